import { describe, expect, test } from 'vitest';
import { type NodeId, seededRandom, silentLogger } from '../core/index.ts';
import { makeTestMesh, type TestMesh } from '../testkit/mesh-members.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import type { Identity } from '../trust/index.ts';
import { MemberGate } from './admission-gate.ts';
import { MESH_LIMITS } from './limits.ts';
import { createMemoryNetwork, type MemoryNetwork } from './memory-network.ts';
import { MemoryRecordStore } from './memory-stores.ts';
import { RecordLog } from './record-log.ts';
import { RecordSync } from './record-sync.ts';
import type { MeshTransport } from './transport.ts';

const heartbeat = { kind: 'heartbeat' as const, key: '', payload: { type: 'heartbeat' }, ttlMs: 3_600_000 };

interface SimNode {
  readonly identity: Identity;
  readonly log: RecordLog;
  readonly sync: RecordSync;
  readonly transport: MeshTransport;
}

class Sim {
  readonly clock = new VirtualClock();
  readonly mesh: TestMesh;
  readonly network: MemoryNetwork;
  readonly #random = seededRandom(7);

  constructor(latencyMs = 20) {
    this.mesh = makeTestMesh('sim', this.clock.nowMs());
    this.network = createMemoryNetwork({ clock: this.clock, latencyMs });
  }

  async start(identity: Identity, store = new MemoryRecordStore()): Promise<SimNode> {
    const { clock } = this;
    const { meshId, nodeId, certificateRecord } = identity;
    const log = new RecordLog({ identity, store, clock, logger: silentLogger });
    const gate = new MemberGate({ meshId, nodeId, certificateRecord, log, clock });
    const transport = this.network.createTransport(nodeId, gate);
    const sync = new RecordSync({ meshId, log, transport, clock, random: this.#random, logger: silentLogger });
    sync.start();
    await transport.start();
    return { identity, log, sync, transport };
  }

  /** Connecting takes virtual time. */
  async connect(one: SimNode, other: SimNode): Promise<void> {
    const done = one.transport.connect(other.identity.nodeId, []);
    await this.clock.advance(100);
    await done;
  }

  async settle(): Promise<void> {
    await this.clock.advance(4000);
  }
}

function holds(node: SimNode, author: NodeId): boolean {
  return node.log.get({ author, kind: 'heartbeat', key: '' }) !== undefined;
}

describe('RecordSync', () => {
  test('carries a record to all of 200 nodes, and to one that was away when it comes back', async () => {
    const sim = new Sim();
    const identities = Array.from({ length: 200 }, (_, index) => sim.mesh.member(`n${index}`));
    const stores = identities.map(() => {
      const store = new MemoryRecordStore();
      for (const { certificateRecord } of identities) store.put(certificateRecord);
      return store;
    });
    const nodes: SimNode[] = [];
    for (const [index, identity] of identities.entries()) nodes.push(await sim.start(identity, stores[index]));
    const random = seededRandom(3);
    const dials = nodes.flatMap((node, index) => {
      const others = [index + 1, ...Array.from({ length: 2 }, () => Math.floor(random.next() * 200))];
      return others.map((other) => node.transport.connect((nodes[other % 200] as SimNode).identity.nodeId, []));
    });
    await sim.clock.advance(2000);
    await Promise.all(dials);
    const away = nodes[150] as SimNode;
    await away.transport.stop();
    const author = nodes[0] as SimNode;
    author.log.publish(heartbeat);
    await sim.clock.advance(400);
    const present = nodes.filter((node) => node !== away);
    expect(present.filter((node) => holds(node, author.identity.nodeId))).toHaveLength(199);
    expect(holds(away, author.identity.nodeId)).toBe(false);
    await away.transport.start();
    await sim.connect(away, nodes[10] as SimNode);
    await sim.settle();
    expect(holds(away, author.identity.nodeId)).toBe(true);
    await Promise.all(nodes.map(({ transport }) => transport.stop()));
  });

  test('brings a fresh member everything by one connection, certificates first', async () => {
    const sim = new Sim();
    const members = ['a', 'b', 'c'].map((name) => sim.mesh.member(name));
    const [a, b, c] = (await Promise.all(members.map((one) => sim.start(one)))) as [SimNode, SimNode, SimNode];
    await sim.connect(a, b);
    await sim.settle();
    a.log.publish(heartbeat);
    b.log.publish(heartbeat);
    for (let page = 0; page < 20; page += 1) {
      a.log.publish({ kind: 'catalog', key: String(page), payload: { fill: 'x'.repeat(100_000) }, ttlMs: 300_000 });
    }
    await sim.settle();
    await sim.connect(c, b);
    await sim.settle();
    expect(c.log.list({ kind: 'certificate' })).toHaveLength(3);
    expect([holds(c, a.identity.nodeId), holds(c, b.identity.nodeId)]).toEqual([true, true]);
    expect(c.log.list({ kind: 'catalog' })).toHaveLength(20);
    expect(a.log.certificateOf(c.identity.nodeId)).toBeDefined();
  });

  test('joins two halves that were apart, through one connection between them', async () => {
    const sim = new Sim();
    const members = Array.from({ length: 8 }, (_, index) => sim.mesh.member(`h${index}`));
    const nodes = await Promise.all(members.map((one) => sim.start(one)));
    for (let index = 1; index < 8; index += 1) await sim.connect(nodes[index] as SimNode, nodes[index - 1] as SimNode);
    await sim.settle();
    const ids = members.map(({ nodeId }) => nodeId);
    sim.network.partition([ids.slice(0, 4), ids.slice(4)]);
    for (const node of nodes) node.log.publish(heartbeat);
    await sim.settle();
    expect(holds(nodes[0] as SimNode, ids[7] as NodeId)).toBe(false);
    sim.network.heal();
    await sim.connect(nodes[4] as SimNode, nodes[3] as SimNode);
    await sim.settle();
    for (const node of nodes) expect(ids.every((id) => holds(node, id))).toBe(true);
  });

  test('spreads a revocation, cuts the node off and keeps it out', async () => {
    const sim = new Sim();
    const admin = await sim.start(sim.mesh.member('admin', { withAuthority: true }));
    const thief = await sim.start(sim.mesh.member('thief'));
    const third = await sim.start(sim.mesh.member('third'));
    await sim.connect(thief, third);
    await sim.connect(admin, third);
    await sim.settle();
    thief.log.publish(heartbeat);
    await sim.settle();
    expect(holds(third, thief.identity.nodeId)).toBe(true);
    admin.log.revoke(sim.mesh.authority, thief.identity.nodeId, 'stolen');
    await sim.settle();
    expect(third.transport.peers()).toEqual([admin.identity.nodeId]);
    expect(holds(third, thief.identity.nodeId)).toBe(false);
    const refused = expect.objectContaining({ code: 'peer_refused', data: { reason: 'revoked' } });
    const dial = expect(thief.transport.connect(third.identity.nodeId, [])).rejects.toThrow(refused);
    await sim.settle();
    await dial;
  });

  test('answers a peer that asks without end with busy, and a question of another mesh too', async () => {
    const sim = new Sim(0);
    const a = await sim.start(sim.mesh.member('a'));
    const b = await sim.start(sim.mesh.member('b'));
    await sim.connect(a, b);
    await sim.settle();
    const ask = (mesh_id: string) =>
      a.transport.request(b.identity.nodeId, '/atmosphere/reconcile/1', { type: 'ask_digests', mesh_id });
    const foreign = ask(makeTestMesh('foreign').authority.id);
    const many = Array.from({ length: MESH_LIMITS.reconcileBurst + 10 }, () => ask(sim.mesh.authority.id));
    await sim.clock.advance(1);
    expect(await foreign).toMatchObject({ type: 'busy' });
    const answers = (await Promise.all(many)) as { type: string }[];
    expect(answers.filter(({ type }) => type === 'busy').length).toBeGreaterThanOrEqual(10);
  });

  test('compares with a peer that says news without end now and then, not each time', async () => {
    const sim = new Sim(1);
    const [good, bad] = [await sim.start(sim.mesh.member('good')), await sim.start(sim.mesh.member('bad'))];
    let asked = 0;
    bad.transport.handle('/atmosphere/reconcile/1', async (_from, message) => {
      if ((message as { type: string }).type === 'ask_digests') asked += 1;
      return { type: 'busy', retry_after_ms: 0 };
    });
    await sim.connect(good, bad);
    for (let round = 0; round < 200; round += 1) {
      const news = { type: 'news', mesh_id: sim.mesh.authority.id };
      const told = bad.transport.request(good.identity.nodeId, '/atmosphere/reconcile/1', news);
      await sim.clock.advance(50);
      await told.catch(() => {});
    }
    const seconds = 200 * 0.05;
    expect(asked).toBeLessThanOrEqual(
      MESH_LIMITS.reconcileRunBurst + (seconds * 1000) / MESH_LIMITS.reconcileRunEveryMs + 1,
    );
    expect(asked).toBeGreaterThan(MESH_LIMITS.reconcileRunBurst / 2);
  });

  test('expires records by the clock and sweeps them', async () => {
    const sim = new Sim();
    const a = await sim.start(sim.mesh.member('a'));
    const b = await sim.start(sim.mesh.member('b'));
    await sim.connect(a, b);
    await sim.settle();
    const expired: string[] = [];
    b.log.events.on((event) => {
      if (event.type === 'expired') expired.push(event.record.author);
    });
    a.log.publish({ ...heartbeat, ttlMs: 10_000 });
    await sim.clock.advance(16_000);
    expect(expired).toEqual([a.identity.nodeId]);
  });
});

describe('a flood', () => {
  test('of gossip is dropped beyond the rate, and reconciliation brings the rest', async () => {
    const sim = new Sim();
    const author = await sim.start(sim.mesh.member('author'));
    const reader = await sim.start(sim.mesh.member('reader'));
    await sim.connect(author, reader);
    await sim.settle();
    const count = MESH_LIMITS.gossipBurst * 2;
    for (let page = 0; page < count; page++)
      author.log.publish({ kind: 'catalog', key: String(page), payload: {}, ttlMs: 3_600_000 });
    await sim.clock.advance(100);
    const held = () => reader.log.list({ author: author.identity.nodeId, kind: 'catalog' }).length;
    expect(held()).toBeGreaterThanOrEqual(MESH_LIMITS.gossipBurst - 1);
    expect(held()).toBeLessThan(count);
    await sim.clock.advance(MESH_LIMITS.reconcileEveryMs + 5000);
    expect(held()).toBe(count);
  });
});
