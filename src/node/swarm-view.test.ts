import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NodeId } from '../core/index.ts';
import { ModelCatalog, openRegistry, type Registry } from '../registry/index.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import type { SourceOutcome } from '../transfer/index.ts';
import { endpointsOf } from './peer-endpoints.ts';
import { toBlobToGet } from './pull/blob-pull.ts';
import { oneFile } from './pull/pulling.fixture.ts';
import { SwarmView } from './swarm-view.ts';

const model = oneFile('org/m', Buffer.from('content'));
const [NEAR, FAR, THIRD] = ['near', 'far', 'third'] as NodeId[] as [NodeId, NodeId, NodeId];
const MACHINE = 'this machine';

let folder: string;
let registry: Registry;
let clock: VirtualClock;
let catalog: ModelCatalog;
let view: SwarmView;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'swarm-'));
  registry = openRegistry(join(folder, 'registry.sqlite'));
  clock = new VirtualClock();
  catalog = new ModelCatalog({ clock });
  view = new SwarmView({
    ...{ catalog, reliability: registry.reliability, clock },
    endpointsOf: (peer) => endpointsOf(peer, MACHINE),
    tls: () => ({ key: '', cert: '' }),
    readPeer: () => NEAR,
  });
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A node that has the model, as pages and heartbeats tell. */
function hear(nodeId: NodeId, where: object, modelId = 'org/m'): void {
  const models = [{ ...model.entry, model_id: modelId }];
  catalog.processHeartbeat(nodeId, { type: 'heartbeat', node_name: nodeId, catalog_pages: 1, ...where });
  const page = { type: 'model_catalog', node_id: nodeId, node_name: nodeId, timestamp: 1, page: 0, models };
  catalog.processCatalogMessage(nodeId, nodeId, page);
}

function names(only?: NodeId, preferredNodeId?: NodeId): string[] {
  return view.holders({ entry: model.entry, preferredNodeId }, only).map(({ name }) => name);
}

function outcome(nodeId: NodeId, change: Partial<SourceOutcome>): SourceOutcome {
  const nothing = { bytes: 0, pieces: 0, failures: [], isCorrupt: false };
  return { id: nodeId, nodeId, ...nothing, firstByteMs: undefined, rateBytesPerSecond: undefined, ...change };
}

test('holders() puts this machine before the network, and the network before the mesh', () => {
  hear(THIRD, {});
  hear(FAR, { http: ['https://10.0.0.2:1'] });
  hear(NEAR, { machine: MACHINE, loopback_port: 2 });
  expect(names()).toEqual(['near', 'far', 'third']);
});

test('holders() puts the preferred one first and forgets nobody', () => {
  hear(FAR, { http: ['https://10.0.0.2:1'] });
  hear(NEAR, { machine: MACHINE, loopback_port: 2 });
  expect(names(undefined, FAR)).toEqual(['far', 'near']);
});

test('holders() finds the content under another name when nobody has it under this one', () => {
  hear(FAR, { http: ['https://10.0.0.2:1'] }, 'other/name');
  expect(names()).toEqual(['far']);
});

test('a peer that sent wrong bytes is not asked for an hour, unless its user insists', async () => {
  hear(FAR, { http: ['https://10.0.0.2:1'] });
  hear(NEAR, { machine: MACHINE, loopback_port: 2 });
  view.report([outcome(NEAR, { bytes: 5, isCorrupt: true, rateBytesPerSecond: 1e9 })]);
  expect([names(), names(NEAR)]).toEqual([['far'], ['near']]);
  expect(registry.reliability.get(NEAR)).toMatchObject({ corruptions: 1, successes: 0 });
  await clock.advance(200_000);
  hear(NEAR, { machine: MACHINE, loopback_port: 2 });
  hear(FAR, { http: ['https://10.0.0.2:1'] });
  expect(names()).toEqual(['far']);
  await clock.advance(3_500_000);
  hear(NEAR, { machine: MACHINE, loopback_port: 2 });
  expect(names()).toEqual(['near']);
});

test('fetchers() names who fetches the blob, without those that are banned; none of them holds the model', () => {
  const { sha256 } = model.entry;
  const fetch = (nodeId: NodeId, where: object): void =>
    catalog.processHeartbeat(nodeId, { type: 'heartbeat', node_name: nodeId, fetching: [sha256], ...where });
  let calls = 0;
  view.onChange(() => {
    calls += 1;
  });
  fetch(FAR, { http: ['https://10.0.0.2:1'] });
  fetch(NEAR, { machine: MACHINE, loopback_port: 2 });
  expect(calls).toBeGreaterThan(1);
  const fetchers = () => view.fetchers({ sha256, sizeBytes: 7 }).map(({ name, distance }) => [name, distance]);
  expect(fetchers()).toEqual([
    ['near', 0],
    ['far', 1],
  ]);
  expect([names(), view.otherClaims({ entry: model.entry })]).toEqual([[], []]);
  view.report([outcome(NEAR, { bytes: 5, isCorrupt: true })]);
  expect(fetchers()).toEqual([['far', 1]]);
});

test('report() remembers what decides the next choice', () => {
  for (const nodeId of [FAR, THIRD]) hear(nodeId, { http: [`https://10.0.0.${nodeId.length}:1`] });
  expect(names()).toEqual(['far', 'third']);
  view.report([
    outcome(FAR, { failures: ['peer_stalled'], firstByteMs: 400 }),
    outcome(THIRD, { bytes: 1e6, rateBytesPerSecond: 5e8, firstByteMs: 1 }),
  ]);
  expect(names()).toEqual(['third', 'far']);
  expect(registry.reliability.get(THIRD)).toMatchObject({ successes: 1, rateBytesPerSecond: 5e8, latencyMs: 1 });
});

test('report() does not hold against a peer that it did not have a piece yet', () => {
  view.report([outcome(FAR, { failures: ['not_held_yet', 'not_held_yet'] })]);
  expect(registry.reliability.get(FAR)).toBeUndefined();
  view.report([outcome(FAR, { failures: ['not_held_yet', 'peer_stalled'] })]);
  expect(registry.reliability.get(FAR)).toMatchObject({ failures: 1 });
});

test('a node whose word has run out holds nothing', async () => {
  hear(FAR, { http: ['https://10.0.0.2:1'] });
  await clock.advance(301_000);
  expect(names()).toEqual([]);
});

test('sourceFor() has no way to a node without an address, nor to one that is gone', () => {
  const blob = toBlobToGet(
    { sha256: model.entry.sha256, sizeBytes: 7, pieceRoot: model.blobs[0]?.blob.pieceRoot as never },
    [],
  );
  hear(THIRD, {});
  hear(NEAR, { machine: MACHINE, loopback_port: 2 });
  expect(view.sourceFor({ nodeId: THIRD, name: '' }, blob)).toBeUndefined();
  expect(view.sourceFor({ nodeId: FAR, name: '' }, blob)).toBeUndefined();
  expect(view.sourceFor({ nodeId: NEAR, name: '' }, blob)).toMatchObject({ id: NEAR, nodeId: NEAR });
});

test('onChange() tells when somebody comes, until it is stopped', () => {
  let calls = 0;
  const stop = view.onChange(() => {
    calls += 1;
  });
  hear(FAR, { http: ['https://10.0.0.2:1'] });
  const after = calls;
  stop();
  hear(THIRD, {});
  expect([after > 0, calls]).toEqual([true, after]);
});
