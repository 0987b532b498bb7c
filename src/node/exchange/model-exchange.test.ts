/** Nodes of one real mesh in this process, each with its exchange; time is moved by the tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Emitter, seededRandom, silentLogger, systemClock } from '../../core/index.ts';
import { type Mesh, openMesh } from '../../mesh/index.ts';
import type { ModelEntry } from '../../protocol/index.ts';
import { ModelCatalog, openRegistry } from '../../registry/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { openIdentity } from '../../trust/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import { oneFile } from '../pull/pulling.fixture.ts';
import { ModelExchange } from './model-exchange.ts';
import type { AvailableEvent } from './ports.ts';

interface Member {
  readonly mesh: Mesh;
  readonly catalog: ModelCatalog;
  readonly clock: VirtualClock;
  readonly exchange: ModelExchange;
  readonly entries: ModelEntry[];
  readonly changes: Emitter<void>;
  readonly hidden: Set<string>;
}

const SEES = oneFile('plant/sees', Buffer.from('sees'), { capabilities: ['vision'] }).entry;
const HEARS = oneFile('plant/hears', Buffer.from('hears'), { capabilities: ['audio'] }).entry;
const SOON = new AbortController().signal;

let folder: string;
let stack: AsyncDisposableStack;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'exchange-'));
  stack = new AsyncDisposableStack();
});
afterEach(async () => {
  await stack.disposeAsync();
  rmSync(folder, { recursive: true, force: true });
});

async function startMember(name: string, had: readonly ModelEntry[]): Promise<Member> {
  const { records, peers, invites } = stack.use(openRegistry(join(folder, name, 'registry.sqlite')));
  const mesh = openMesh({
    identity: openIdentity(join(folder, name), { nodeName: name, nowMs: Date.now() }),
    ...{ nodeName: name, records, peers, invites, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, relayServer: false },
    ...{ clock: systemClock, logger: silentLogger, random: seededRandom(1) },
  });
  await mesh.start();
  stack.use(mesh);
  const clock = new VirtualClock(Date.now());
  const catalog = new ModelCatalog({ clock });
  stack.defer(() => catalog.close());
  const [entries, changes, hidden] = [[...had], new Emitter<void>(), new Set<string>()];
  const exchange = new ModelExchange({
    ...{ mesh, catalog, clock, logger: silentLogger, random: { next: () => 0.5 } },
    library: { entries: () => entries, changes },
    mayRead: (modelId) => !hidden.has(modelId),
    isDeprecated: () => false,
    fitOf: () => ({ fit: 'yes', reasons: [] }),
  });
  stack.use(exchange);
  return { mesh, catalog, clock, exchange, entries, changes, hidden };
}

async function startMembers(...had: (readonly ModelEntry[])[]): Promise<Member[]> {
  const members: Member[] = [];
  for (const [index, entries] of had.entries()) members.push(await startMember(`node-${index}`, entries));
  const { code } = (members[0] as Member).mesh.invite({ uses: had.length });
  for (const { mesh } of members.slice(1)) await mesh.join(code);
  return members;
}

function words({ mesh }: Member, type: string) {
  return mesh.records({ kind: 'exchange' }).filter(({ payload }) => payload.type === type);
}

/** Resolves when `member` has so many messages of this type. */
function until(member: Member, type: string, count: number): Promise<void> {
  return new Promise((resolve) => {
    if (words(member, type).length >= count) return resolve();
    const stop = member.mesh.recordEvents.on(() => {
      if (words(member, type).length < count) return;
      stop();
      resolve();
    });
  });
}

/** What a holder's page says, at another member. */
function tell(member: Member, holder: Member, entry: ModelEntry): void {
  const { nodeId } = holder.mesh;
  member.catalog.processHeartbeat(nodeId, { type: 'heartbeat', node_name: 'holder', catalog_pages: 1 });
  const page = { type: 'model_catalog', node_id: nodeId, node_name: 'holder', timestamp: 1, page: 0 };
  member.catalog.processCatalogMessage(nodeId, 'holder', { ...page, models: [entry] });
}

test('what nobody is known to have is asked for, offered once, and taken when the holder’s catalog tells of it', async () => {
  const [asker, holder] = (await startMembers([], [SEES, HEARS])) as [Member, Member];
  const found = asker.exchange.find({ capabilities: ['vision'] }, 10_000, SOON);
  await until(holder, 'model_request', 1);
  await holder.clock.advance(NODE_LIMITS.offerDelayMs);
  await until(asker, 'model_offer', 1);
  expect(words(asker, 'model_offer')[0]?.payload).toMatchObject({
    ...{ from_node: holder.mesh.nodeId, to_node: asker.mesh.nodeId },
    model: { name: 'plant/sees', checksum: `sha256:${SEES.sha256}` },
  });
  tell(asker, holder, SEES);
  expect((await found).sha256).toBe(SEES.sha256);
  await holder.clock.advance(NODE_LIMITS.requestLifeMs);
  expect(words(holder, 'model_offer')).toHaveLength(1);
});

test('nothing is offered to who may not read it, nor what does not meet the request, nor for a range that is none', async () => {
  const [asker, holder] = (await startMembers([], [SEES, HEARS])) as [Member, Member];
  holder.hidden.add('plant/sees');
  const wishes = [
    { capabilities: ['vision'] },
    { capabilities: ['thermal'] },
    { capabilities: ['audio'], version: '>=2' },
    { capabilities: ['audio'], max_size_bytes: 1 },
    { capabilities: ['audio'], version: 'a range? no!' },
  ];
  for (const [index, criteria] of wishes.entries())
    asker.mesh.publish({
      ...{ kind: 'exchange', key: `request:${index}`, ttlMs: 60_000 },
      payload: { type: 'model_request', from_node: asker.mesh.nodeId, criteria },
    });
  await until(holder, 'model_request', wishes.length);
  await holder.clock.advance(2 * NODE_LIMITS.offerDelayMs);
  expect(words(holder, 'model_offer')).toEqual([]);
});

test('a flood of requests is answered up to the bound, and again later', async () => {
  const [asker, holder] = (await startMembers([], [SEES])) as [Member, Member];
  const ask = (from: number, count: number) => {
    for (let index = from; index < from + count; index += 1)
      asker.mesh.publish({
        ...{ kind: 'exchange', key: `request:${index}`, ttlMs: 600_000 },
        payload: { type: 'model_request', from: asker.mesh.nodeId, criteria: { capabilities: ['vision'] } },
      });
  };
  const flood = NODE_LIMITS.requestsPerPeer + 15;
  ask(0, flood);
  await until(holder, 'model_request', flood);
  await holder.clock.advance(NODE_LIMITS.offerDelayMs);
  expect(words(holder, 'model_offer')).toHaveLength(NODE_LIMITS.requestsPerPeer);
  await holder.clock.advance(NODE_LIMITS.requestWindowMs);
  ask(flood, 1);
  await until(holder, 'model_request', flood + 1);
  await holder.clock.advance(NODE_LIMITS.offerDelayMs);
  expect(words(holder, 'model_offer')).toHaveLength(NODE_LIMITS.requestsPerPeer + 1);
});

test('a holder keeps quiet when enough others have offered', async () => {
  const holders = NODE_LIMITS.offersEnough + 1;
  const members = await startMembers([], ...Array.from({ length: holders }, () => [SEES]));
  const [asker, ...others] = members as [Member, ...Member[]];
  const late = others.at(-1) as Member;
  const found = asker.exchange.find({ capabilities: ['vision'] }, 10_000, SOON);
  found.catch(() => {});
  await Promise.all(others.map((member) => until(member, 'model_request', 1)));
  for (const other of others.slice(0, -1)) await other.clock.advance(NODE_LIMITS.offerDelayMs);
  await until(late, 'model_offer', NODE_LIMITS.offersEnough);
  await late.clock.advance(NODE_LIMITS.offerDelayMs);
  expect(words(late, 'model_offer')).toHaveLength(NODE_LIMITS.offersEnough);
  await asker.clock.advance(10_000);
  await expect(found).rejects.toMatchObject({ code: 'nothing_offered', message: expect.stringContaining('3 offers') });
});

test('when nobody offers anything, that is said in time; an interrupt ends it at once; too many questions are refused', async () => {
  const [asker] = (await startMembers([])) as [Member];
  const nothing = asker.exchange.find({ capabilities: ['vision'] }, 5000, SOON);
  nothing.catch(() => {});
  await asker.clock.advance(5000);
  await expect(nothing).rejects.toThrow(/capabilities vision\): nobody offered one in 5 s/);
  const interrupt = new AbortController();
  const waiting = Array.from({ length: NODE_LIMITS.ownRequests }, () =>
    asker.exchange.find({ capabilities: ['vision'] }, 5000, interrupt.signal),
  );
  const tooMany = asker.exchange.find({ capabilities: ['vision'] }, 5000, SOON);
  await expect(tooMany).rejects.toMatchObject({ code: 'too_many_requests' });
  interrupt.abort(new Error('enough'));
  for (const one of waiting) await expect(one).rejects.toThrow('enough');
});

test('each model that becomes ready is told of once, in time; what was ready at the start is not', async () => {
  const [teller, hearer] = (await startMembers([SEES], [])) as [Member, Member];
  const heard: AvailableEvent[] = [];
  hearer.exchange.available.on((event) => heard.push(event));
  const many = Array.from({ length: NODE_LIMITS.availableBurst + 2 }, (_, index) =>
    oneFile(`plant/new-${index}`, Buffer.from(`new ${index}`)),
  );
  teller.entries.push(...many.map(({ entry }) => entry));
  teller.changes.emit();
  teller.changes.emit();
  await until(hearer, 'model_available', NODE_LIMITS.availableBurst);
  expect(words(teller, 'model_available')).toHaveLength(NODE_LIMITS.availableBurst);
  await teller.clock.advance(2 * NODE_LIMITS.availableEveryMs);
  await until(hearer, 'model_available', many.length);
  expect(heard.map(({ message }) => message.model.name)).toEqual(many.map(({ entry }) => entry.model_id));
  expect(heard.every(({ from }) => from === teller.mesh.nodeId)).toBe(true);
});

test('who signed is who speaks; a message of another time or under another kind’s key is nobody’s', async () => {
  const [liar, hearer] = (await startMembers([], [])) as [Member, Member];
  const heard: AvailableEvent[] = [];
  hearer.exchange.available.on((event) => heard.push(event));
  const model = { name: 'a/b', version: '1', type: 'llm', size_bytes: 1, checksum: `sha256:${SEES.sha256}` };
  const say = (key: string, timestamp: number) =>
    liar.mesh.publish({
      ...{ kind: 'exchange', key, ttlMs: 60_000 },
      payload: { type: 'model_available', from_node: hearer.mesh.nodeId, model, timestamp },
    });
  const nowSeconds = Date.now() / 1000;
  say('available:old', nowSeconds - 3600);
  say('offer:x', nowSeconds);
  say('available:new', nowSeconds);
  await until(hearer, 'model_available', 3);
  expect(heard.map(({ from }) => from)).toEqual([liar.mesh.nodeId]);
});
