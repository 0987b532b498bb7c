/** Nodes of one real mesh in this process: what one learns of a peer, the others choose by. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type NodeId, seededRandom, silentLogger, systemClock } from '../core/index.ts';
import { type Mesh, openMesh } from '../mesh/index.ts';
import { ModelCatalog, openRegistry, type Registry } from '../registry/index.ts';
import type { SourceOutcome } from '../transfer/index.ts';
import { openIdentity } from '../trust/index.ts';
import { Feedback } from './feedback.ts';
import { oneFile } from './pull/pulling.fixture.ts';
import { SwarmView } from './swarm-view.ts';

const model = oneFile('org/m', Buffer.from('content'));
let folder: string;
let stack: AsyncDisposableStack;

interface Member {
  readonly mesh: Mesh;
  readonly registry: Registry;
  readonly feedback: Feedback;
  readonly catalog: ModelCatalog;
  readonly view: SwarmView;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'feedback-'));
  stack = new AsyncDisposableStack();
});
afterEach(async () => {
  await stack.disposeAsync();
  rmSync(folder, { recursive: true, force: true });
});

async function startMember(name: string): Promise<Member> {
  const registry = stack.use(openRegistry(join(folder, name, 'registry.sqlite')));
  const { records, peers, invites } = registry;
  const mesh = openMesh({
    identity: openIdentity(join(folder, name), { nodeName: name, nowMs: Date.now() }),
    ...{ nodeName: name, records, peers, invites, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, relayServer: false },
    ...{ clock: systemClock, logger: silentLogger, random: seededRandom(1) },
  });
  await mesh.start();
  stack.use(mesh);
  const catalog = new ModelCatalog({ clock: systemClock });
  stack.defer(() => catalog.close());
  return { mesh, registry, catalog, ...watching({ mesh, registry, catalog }) };
}

function watching({ mesh, registry, catalog }: Pick<Member, 'mesh' | 'registry' | 'catalog'>) {
  const statsOf = (nodeId: NodeId) => registry.reliability.get(nodeId);
  const feedback = stack.use(new Feedback({ mesh, statsOf, clock: systemClock, logger: silentLogger }));
  feedback.start();
  const view = new SwarmView({
    ...{ catalog, reliability: registry.reliability, feedback, clock: systemClock },
    endpointsOf: () => [{ baseUrl: 'https://192.0.2.1:1', isLoopback: false }],
    tls: () => ({ key: '', cert: '' }),
    readPeer: () => mesh.nodeId,
  });
  return { feedback, view };
}

/** The first founds the mesh, the others join it. */
async function startMembers(...names: string[]): Promise<Member[]> {
  const members: Member[] = [];
  for (const name of names) members.push(await startMember(name));
  const { code } = (members[0] as Member).mesh.invite({ uses: names.length });
  for (const { mesh } of members.slice(1)) await mesh.join(code);
  return members;
}

/** Resolves when it is true, looking at every record that comes. */
function until({ mesh }: Member, isTrue: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (isTrue()) return resolve();
    const stop = mesh.recordEvents.on(() => {
      if (!isTrue()) return;
      stop();
      resolve();
    });
  });
}

/** Everybody's catalog at `member` has these nodes with the model. */
function hear(member: Member, ...nodeIds: NodeId[]): void {
  for (const nodeId of nodeIds) {
    member.catalog.processHeartbeat(nodeId, { type: 'heartbeat', node_name: nodeId, catalog_pages: 1 });
    const page = { type: 'model_catalog', node_id: nodeId, node_name: nodeId, timestamp: 1, page: 0 };
    member.catalog.processCatalogMessage(nodeId, nodeId, { ...page, models: [model.entry] });
  }
}

const asked = ({ view }: Member): NodeId[] => view.holders({ entry: model.entry }).map(({ nodeId }) => nodeId);

function outcome(nodeId: NodeId, change: Partial<SourceOutcome>): SourceOutcome {
  const nothing = { bytes: 0, pieces: 0, failures: [], isCorrupt: false };
  return { id: nodeId, nodeId, ...nothing, firstByteMs: undefined, rateBytesPerSecond: undefined, ...change };
}
const corrupt = (nodeId: NodeId) => outcome(nodeId, { isCorrupt: true, failures: ['bad_piece'] });
const good = (nodeId: NodeId) => outcome(nodeId, { bytes: 1e6 });

const ids = (names: readonly Member[]) => names.map(({ mesh }) => mesh.nodeId);

test('a peer that sent one node wrong bytes is asked later by a node that never met it', async () => {
  const [anna, bert, carl, dora] = (await startMembers('anna', 'bert', 'carl', 'dora')) as [
    Member,
    Member,
    Member,
    Member,
  ];
  hear(carl, bert.mesh.nodeId, dora.mesh.nodeId);
  const before = asked(carl);
  const [bad, other] = before as [NodeId, NodeId];
  expect([...before].sort()).toEqual(ids([bert, dora]).sort());
  anna.view.report([corrupt(bad), good(other)]);
  await until(carl, () => carl.feedback.wordsOf(bad).reporters === 1 && carl.feedback.wordsOf(other).reporters === 1);
  expect(asked(carl)).toEqual([other, bad]);
  expect(carl.feedback.standingOf(bad)).toMatchObject({ reporters: 1, reason: expect.stringContaining('wrong bytes') });
  expect(anna.feedback.standingOf(bad).word).toBe('banned');
});

test('a liar keeps nobody from a peer that served it well, nor from one it does not know', async () => {
  const [liar, peer, carl, other] = (await startMembers('liar', 'peer', 'carl', 'other')) as [
    Member,
    Member,
    Member,
    Member,
  ];
  const [peerId, otherId] = ids([peer, other]) as [NodeId, NodeId];
  for (let pull = 0; pull < 3; pull += 1) carl.registry.reliability.noteSuccess(peerId);
  for (let pull = 0; pull < 2; pull += 1) carl.registry.reliability.noteFailure(otherId, Date.now());
  hear(carl, peerId, otherId, liar.mesh.nodeId);
  const lie = { type: 'peer_outcome', window_start: Date.now(), window_ms: 0, corrupt: 1000 };
  liar.mesh.publish({ kind: 'outcome', key: peerId, payload: { ...lie, subject: peerId }, ttlMs: 86_400_000 });
  const praise = { ...lie, corrupt: 0, ok: 1000, subject: otherId };
  liar.mesh.publish({ kind: 'outcome', key: otherId, payload: praise, ttlMs: 86_400_000 });
  await until(carl, () => carl.feedback.wordsOf(peerId).reporters + carl.feedback.wordsOf(otherId).reporters === 2);
  expect(asked(carl)[0]).toBe(peerId);
  expect(asked(carl)).toContain(liar.mesh.nodeId);
  expect(carl.feedback.standingOf(peerId).word).toBe('good');
});

test('a node cannot praise itself: nobody keeps such a record', async () => {
  const [anna, bert] = (await startMembers('anna', 'bert')) as [Member, Member];
  const { nodeId } = bert.mesh;
  const payload = { type: 'peer_outcome', subject: nodeId, window_start: Date.now(), window_ms: 0, ok: 1000 };
  const publish = () => bert.mesh.publish({ kind: 'outcome', key: nodeId, payload, ttlMs: 1000 });
  expect(publish).toThrowError(expect.objectContaining({ code: 'record_refused', data: { rejection: 'bad_payload' } }));
  expect(anna.feedback.wordsOf(nodeId).reporters).toBe(0);
});

test('who is put out has said nothing', async () => {
  const [anna, bert, carl] = (await startMembers('anna', 'bert', 'carl')) as [Member, Member, Member];
  bert.view.report([corrupt(carl.mesh.nodeId)]);
  await until(anna, () => anna.feedback.wordsOf(carl.mesh.nodeId).reporters === 1);
  anna.mesh.revoke(bert.mesh.nodeId, 'liar');
  expect(anna.feedback.wordsOf(carl.mesh.nodeId)).toMatchObject({ reporters: 0, bad: 0 });
});

test('after a restart a node goes on counting where it was, and says nothing twice', async () => {
  const [anna, bert] = (await startMembers('anna', 'bert')) as [Member, Member];
  const { nodeId } = bert.mesh;
  anna.view.report([corrupt(nodeId)]);
  const mine = () => anna.mesh.records({ kind: 'outcome', author: anna.mesh.nodeId });
  const [first] = mine();
  anna.feedback[Symbol.dispose]();
  const again = watching(anna);
  expect(mine()).toEqual([first]);
  again.feedback.note([]);
  expect(mine()).toEqual([first]);
  expect(first?.payload).toMatchObject({ subject: nodeId, corrupt: 1, ok: 0 });
});
