import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, test } from 'vitest';
import { type Clock, type NodeId, seededRandom, silentLogger, systemClock } from '../core/index.ts';
import { eventually, nextTurn } from '../testkit/eventually.ts';
import {
  type Authority,
  encodeInviteCode,
  issueCertificateRecord,
  makeKey,
  openIdentity,
  parseInviteCode,
  publicBytesOf,
  toNodeId,
} from '../trust/index.ts';
import { Admissions } from './libp2p/admissions.ts';
import { createNode, type Libp2pNode, topicOf } from './libp2p/create-node.ts';
import { askOnStream } from './libp2p/frame-stream.ts';
import { MESH_LIMITS } from './limits.ts';
import { MemoryInviteStore, MemoryPeerStore, MemoryRecordStore } from './memory-stores.ts';
import { type Mesh, openMesh } from './mesh.ts';

const heartbeat = { kind: 'heartbeat' as const, key: '', payload: { type: 'heartbeat' }, ttlMs: 60_000 };
const homes: string[] = [];
const running: Mesh[] = [];
const attackers: Libp2pNode[] = [];

afterEach(async () => {
  await Promise.all(attackers.splice(0).map((node) => node.stop()));
  await Promise.all(running.splice(0).map((mesh) => mesh.stop()));
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

interface Stores {
  readonly home: string;
  readonly records: MemoryRecordStore;
  readonly peers: MemoryPeerStore;
  readonly invites: MemoryInviteStore;
}

function makeStores(): Stores {
  const home = mkdtempSync(join(tmpdir(), 'mesh-'));
  homes.push(home);
  return { home, records: new MemoryRecordStore(), peers: new MemoryPeerStore(), invites: new MemoryInviteStore() };
}

async function start(
  nodeName: string,
  stores = makeStores(),
  more: { relayServer?: boolean; mdns?: boolean; clock?: Clock; listen?: string[] } = {},
) {
  const mesh = openMesh({
    ...stores,
    nodeName,
    identity: openIdentity(stores.home, { nodeName, nowMs: Date.now() }),
    listen: more.listen ?? ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
    mdns: more.mdns ?? false,
    relayServer: more.relayServer ?? false,
    clock: more.clock ?? systemClock,
    random: seededRandom(1),
    logger: silentLogger,
  });
  await mesh.start();
  running.push(mesh);
  return mesh;
}

/** Resolves when it is true, looking whenever something happens in any of the meshes. */
function until(meshes: readonly Mesh[], done: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (done()) return resolve();
    const stops: (() => void)[] = [];
    const look = () => {
      if (!done()) return;
      for (const stop of stops) stop();
      resolve();
    };
    for (const mesh of meshes) stops.push(mesh.recordEvents.on(look), mesh.peerEvents.on(look));
  });
}

const has = (mesh: Mesh, author: Mesh) => mesh.records({ author: author.nodeId, kind: 'heartbeat' }).length > 0;
const joinRefused = (reason: string) => expect.objectContaining({ code: 'join_refused', data: { reason } });

describe('joining over libp2p', () => {
  test('makes a member with the invite’s role, known to all, at the place where it listened before', async () => {
    const [a, b, c] = [await start('a'), await start('b'), await start('c')];
    const before = b.addresses();
    const { code } = a.invite({ role: 'gateway', uses: 2 });
    await b.join(code);
    expect(b.addresses()).toEqual(before);
    expect([b.meshId, b.role]).toEqual([a.meshId, 'gateway']);
    await c.join(code);
    await until([a, b, c], () => [a, b, c].every((mesh) => mesh.members().length === 3));
    expect(a.members().find(({ nodeId }) => nodeId === b.nodeId)).toMatchObject({
      name: 'b',
      role: 'gateway',
      connected: true,
      isSelf: false,
      revokedAtMs: undefined,
    });
    b.publish(heartbeat);
    await until([a, c], () => has(a, b) && has(c, b));
  });

  test('is refused with the reason: used, mistyped, expired, wrong secret, unknown, own mesh', async () => {
    const [a, b, c] = [await start('a'), await start('b'), await start('c')];
    const { code } = a.invite();
    const parts = parseInviteCode(code);
    const wrong = encodeInviteCode({ ...parts, secretHex: 'ff'.repeat(16) });
    await expect(b.join(wrong)).rejects.toThrow(expect.objectContaining({ code: 'inviter_unproven' }));
    const unknown = encodeInviteCode({ ...parts, inviteId: 'ff'.repeat(8) });
    await expect(b.join(unknown)).rejects.toThrow(joinRefused('unknown_invite'));
    const expired = encodeInviteCode({ ...parts, expiresAtMs: 1_000_000 });
    await expect(b.join(expired)).rejects.toThrow(expect.objectContaining({ code: 'invite_expired' }));
    await expect(b.join(code.slice(0, -1))).rejects.toThrow(expect.objectContaining({ code: 'invite_mistyped' }));
    await b.join(code);
    await expect(c.join(code)).rejects.toThrow(joinRefused('invite_used_up'));
    await expect(b.join(code)).rejects.toThrow(expect.objectContaining({ code: 'already_member' }));
    expect(c.peers()).toEqual([]);
  });

  test('pins the inviter: another node at its address is not asked', async () => {
    const [a, b, c] = [await start('a'), await start('b'), await start('c')];
    const parts = parseInviteCode(a.invite().code);
    const redirected = encodeInviteCode({ ...parts, addresses: b.addresses() });
    await expect(c.join(redirected)).rejects.toThrow(expect.objectContaining({ code: 'peer_unreachable' }));
  });

  test('only the authority’s machine invites and revokes, within bounds', async () => {
    const [a, b] = [await start('a'), await start('b')];
    await b.join(a.invite().code);
    expect(() => b.invite()).toThrow(expect.objectContaining({ code: 'not_authority' }));
    expect(() => b.revoke(a.nodeId, '')).toThrow(expect.objectContaining({ code: 'not_authority' }));
    for (const bad of [{ role: 'Big Boss' }, { uses: 0 }, { ttlMs: MESH_LIMITS.inviteMaxLifeMs + 1 }]) {
      expect(() => a.invite(bad)).toThrow(expect.objectContaining({ code: 'invalid_invite' }));
    }
    expect(() => a.revoke(a.nodeId, '')).toThrow(expect.objectContaining({ code: 'unknown_node' }));
  });
});

describe('membership', () => {
  test('revoke() cuts a node off everywhere, for good', async () => {
    const [a, b, c] = [await start('a'), await start('b'), await start('c')];
    const { code } = a.invite({ uses: 5 });
    await b.join(code);
    await c.join(code);
    b.publish(heartbeat);
    await until([a, c], () => has(a, b) && has(c, b));
    a.revoke(b.nodeId, 'stolen');
    await until([a, b, c], () => c.isRevoked(b.nodeId) && [a, c].every((mesh) => !mesh.peers().includes(b.nodeId)));
    expect([has(a, b), has(c, b)]).toEqual([false, false]);
    expect(a.members().find(({ nodeId }) => nodeId === b.nodeId)?.revokedAtMs).toBeGreaterThan(0);
    await until([b], () => b.peers().length === 0);
    await b.leave();
    await expect(b.join(code)).rejects.toThrow(joinRefused('revoked'));
  });

  test('leave() brings back the mesh of one, init() makes a new one, and nothing of the old mesh stays', async () => {
    const [a, b] = [await start('a'), await start('b')];
    const own = b.meshId;
    await b.join(a.invite().code);
    await b.leave();
    expect(b.meshId).toBe(own);
    expect(b.members().map(({ nodeId }) => nodeId)).toEqual([b.nodeId]);
    await expect(b.leave()).rejects.toThrow(expect.objectContaining({ code: 'not_joined' }));
    await b.init('plant 4');
    expect(b.meshId).not.toBe(own);
    expect(b.identity.meshName).toBe('plant 4');
    expect(b.records().every(({ author }) => author === b.meshId || author === b.nodeId)).toBe(true);
  });

  test('a node that was away finds its peers again by itself, and what it missed', async () => {
    const stores = makeStores();
    const [a, b] = [await start('a'), await start('b', stores)];
    await b.join(a.invite().code);
    await b.stop();
    a.publish(heartbeat);
    const again = await start('b', stores);
    await until([again], () => has(again, a));
    expect(again.peers()).toEqual([a.nodeId]);
  });
});

describe('what strangers and bad members can do', () => {
  test('a node of another mesh is refused, and both are told why', async () => {
    const stores = makeStores();
    const a = await start('a');
    const refusals: string[] = [];
    const note = (mesh: Mesh) =>
      mesh.peerEvents.on((event) => {
        if (event.type === 'refused') refusals.push(event.reason);
      });
    note(a);
    for (const multiaddr of a.addresses()) stores.peers.remember({ nodeId: a.nodeId, multiaddr, lastSeenMs: 1 });
    const b = await start('b', stores);
    note(b);
    await until([a, b], () => refusals.length === 2);
    expect(refusals).toEqual(['other_mesh', 'other_mesh']);
    expect([a.peers(), b.peers()]).toEqual([[], []]);
  });

  test.each([
    ['garbage', Buffer.from('\0\0\0\u0009not json!')],
    ['a length beyond the limit', Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3])],
    ['two frames', Buffer.from('\0\0\0\u0002{}\0\0\0\u0002{}')],
    ['half a frame', Buffer.from('\0\0\0\u0009{')],
  ])('%s resets the stream; the peer that goes on is cut off; the node lives', async (_name, bytes) => {
    const a = await start('a');
    const { nodeId, connection } = await connectAttacker(a);
    await hello(a, nodeId, connection);
    expect(a.peers()).toEqual([nodeId]);
    const cut = until([a], () => a.peers().length === 0);
    for (let round = 0; round <= MESH_LIMITS.strikesPerMinute; round += 1) {
      const stream = await connection.newStream('/atmosphere/reconcile/1').catch(() => undefined);
      if (stream === undefined) break;
      const ended = new Promise((resolve) => stream.addEventListener('close', resolve));
      stream.send(bytes);
      await stream.close().catch(() => {});
      await ended;
    }
    await cut;
    expect(a.members()).toHaveLength(2);
  });

  test('an unadmitted connection gets no answer to anything but hello and join', async () => {
    const a = await start('a');
    const { connection, node } = await connectAttacker(a);
    const ask = async (protocol: string, message: unknown) => {
      const signal = AbortSignal.timeout(300);
      return askOnStream(await connection.newStream(protocol), message, signal);
    };
    await expect(ask('/atmosphere/reconcile/1', {})).rejects.toThrow(expect.objectContaining({ code: 'timed_out' }));
    const request = {
      type: 'join_request',
      mesh_id: a.meshId,
      invite_id: 'ff'.repeat(8),
      nonce: 'ab'.repeat(32),
      name: 'x',
    };
    expect(await ask('/atmosphere/join/1', request)).toEqual({ type: 'refusal', reason: 'not_accepting' });
    expect(a.peers()).toEqual([]);
    expect(node.services.pubsub.getSubscribers(topicOf(a.meshId))).toEqual([]);
  });

  test('a stolen certificate opens nothing: it is for another key', async () => {
    const a = await start('a');
    const { nodeId, connection } = await connectAttacker(a);
    const message = { type: 'hello', mesh_id: a.meshId, certificate: a.identity.certificateRecord };
    const stream = await connection.newStream('/atmosphere/hello/1');
    const answer = await askOnStream(stream, message, AbortSignal.timeout(1000));
    expect(answer).toEqual({ type: 'refusal', reason: 'not_certified' });
    expect(a.peers()).not.toContain(nodeId);
  });

  test('forged gossip costs the member that sends it its connection', async () => {
    const a = await start('a');
    const { nodeId, connection, node } = await connectAttacker(a);
    await hello(a, nodeId, connection);
    await until([a], () => a.peers().length === 1);
    const cut = until([a], () => a.peers().length === 0);
    const topic = topicOf(a.meshId);
    await eventually(
      () => nextTurn().then(() => node.services.pubsub.getSubscribers(topic)),
      (all) => all.length === 1,
    );
    for (let round = 0; round <= MESH_LIMITS.strikesPerMinute; round += 1) {
      await node.services.pubsub.publish(topic, Buffer.from(`forged ${round}`));
    }
    await cut;
    expect(a.members()).toHaveLength(2);
  });
});

describe('reaching one another', () => {
  test('a port that is taken is reported, and the node can be started elsewhere', async () => {
    const a = await start('a');
    const port = /tcp\/(\d+)/.exec(a.addresses()[0] ?? '')?.[1];
    const taken = start('b', makeStores(), { listen: [`/ip4/127.0.0.1/tcp/${port}`] });
    await expect(taken).rejects.toThrow(expect.objectContaining({ code: 'listen_failed' }));
  });

  test('WebSocket works where TCP is not offered', async () => {
    const a = await start('a', makeStores(), { listen: ['/ip4/127.0.0.1/tcp/0/ws'] });
    const b = await start('b');
    await b.join(a.invite().code);
    expect(a.peers()).toEqual([b.nodeId]);
  });

  test('members on one LAN find each other by mDNS, without any address', async () => {
    const stores = makeStores();
    const [a, b] = [await start('a', makeStores(), { mdns: true }), await start('b', stores)];
    await b.join(a.invite().code);
    await b.stop();
    await until([a], () => a.peers().length === 0);
    const again = await start('b', { ...stores, peers: new MemoryPeerStore() }, { mdns: true });
    await until([again, a], () => again.peers().includes(a.nodeId));
  });

  test('two members without a way between them talk through a relay that is a member', async () => {
    const relay = await start('relay', makeStores(), { relayServer: true });
    const { code } = relay.invite({ uses: 2 });
    const [a, b] = [await start('a', makeStores(), { listen: [] }), await start('b')];
    await a.join(code);
    await b.join(code);
    const circuits = () => nextTurn().then(() => a.addresses().filter((address) => address.includes('/p2p-circuit')));
    await eventually(circuits, (all) => all.length > 0);
    a.publish({ ...heartbeat, payload: { type: 'heartbeat', mesh: a.addresses() } });
    await until([a, b], () => b.peers().includes(a.nodeId));
  });
});

test('gossip reaches 20 nodes', async () => {
  const first = await start('n0');
  const { code } = first.invite({ uses: 19 });
  const others: Mesh[] = [];
  for (let index = 1; index < 20; index += 1) {
    const mesh = await start(`n${index}`, makeStores(), { listen: ['/ip4/127.0.0.1/tcp/0'] });
    await mesh.join(code);
    others.push(mesh);
  }
  const last = others.at(-1) as Mesh;
  await until([first, ...others], () =>
    [first, ...others].every((mesh) => mesh.certificateOf(last.nodeId) !== undefined),
  );
  last.publish(heartbeat);
  await until([first, ...others], () => [first, ...others].every((mesh) => has(mesh, last)));
}, 60_000);

/** A program of somebody else's on the same engine, connected and not greeted. */
async function connectAttacker(victim: Mesh) {
  const nodeKey = makeKey();
  const admissions = new Admissions(() => {});
  const bare = { listen: [], mdns: false, relayServer: false, isNuisance: () => false };
  const node = await createNode({ ...bare, nodeKey, meshId: victim.meshId, admissions });
  await node.start();
  attackers.push(node);
  node.services.pubsub.subscribe(topicOf(victim.meshId));
  const connection = await node.dial(multiaddr(`${victim.addresses()[0]}/p2p/${victim.nodeId}`));
  admissions.decide(connection, true);
  return { nodeId: toNodeId(publicBytesOf(nodeKey)), connection, node };
}

/** The victim's authority has certified the attacker: it is a member that has turned. */
async function hello(victim: Mesh, nodeId: NodeId, connection: Connection): Promise<void> {
  const authority = victim.identity.authority as Authority;
  const nowMs = Date.now();
  const certificate = issueCertificateRecord(authority, { nodeId, role: 'member', name: 'x', serial: nowMs, nowMs });
  const stream = await connection.newStream('/atmosphere/hello/1');
  const message = { type: 'hello', mesh_id: victim.meshId, certificate };
  expect(await askOnStream(stream, message, AbortSignal.timeout(1000))).toMatchObject({ type: 'hello' });
}
