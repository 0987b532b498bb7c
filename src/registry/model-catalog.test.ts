import { beforeEach, describe, expect, it } from 'vitest';
import type { NodeId } from '../core/index.ts';
import { vectorCases } from '../testkit/vectors.ts';
import type { CatalogEvent } from './catalog-types.ts';
import { REGISTRY_LIMITS } from './limits.ts';
import { ModelCatalog } from './model-catalog.ts';
import { digestOf } from './testing/local-model.ts';
import { ManualClock } from './testing/manual-clock.ts';

const [A, B, C] = ['node-a', 'node-b', 'node-c'] as NodeId[] as [NodeId, NodeId, NodeId];
const [X, Y] = [digestOf('x'), digestOf('y')];
const TTL_MS = 300_000;

let clock: ManualClock;
let catalog: ModelCatalog;
let events: CatalogEvent[];

beforeEach(() => {
  clock = new ManualClock();
  catalog = new ModelCatalog({ clock });
  events = [];
  catalog.events.on((event) => events.push(event));
});

function entry(change: object = {}) {
  const base = { model_id: 'org/m', name: 'm', type: 'llm', format: 'gguf', size_bytes: 5, version: '1.0.0' };
  return { ...base, sha256: X, ...change };
}
function say(nodeId: NodeId, models: object[], change: object = {}): void {
  const message = { type: 'model_catalog', node_id: nodeId, node_name: nodeId, timestamp: 1, models, ...change };
  catalog.processCatalogMessage(nodeId, nodeId, message);
}
function beat(nodeId: NodeId, change: object = {}): void {
  catalog.processHeartbeat(nodeId, { type: 'heartbeat', node_name: nodeId, ...change });
}
function seen(): string[] {
  return catalog.getAllModels().map(({ modelId, version, sha256, nodes }) => {
    return `${modelId} ${version} ${sha256 === X ? 'X' : 'Y'} ${nodes.map(({ nodeId }) => nodeId)}`;
  });
}

describe('what counts as one model', () => {
  it('two peers that give one id different digests are two variants, whoever spoke first', () => {
    say(A, [entry({ sha256: Y })]);
    say(B, [entry()]);
    say(C, [entry()]);
    expect(seen().sort()).toEqual(['org/m 1.0.0 X node-b,node-c', 'org/m 1.0.0 Y node-a']);
    expect(catalog.find('org/m')).toMatchObject({ kind: 'ambiguous', variants: [{}, {}] });
  });

  it('a peer that lies about size or piece root does not speak for the content', () => {
    const root = 'ab'.repeat(32);
    say(A, [entry({ size_bytes: 1, piece_root: 'cd'.repeat(32) })]);
    say(B, [entry({ piece_root: root })]);
    say(C, [entry()]);
    const [variant] = catalog.getAllModels();
    expect(variant).toMatchObject({ sizeBytes: 5, pieceRoot: root, disputedBy: [A] });
    expect(variant?.nodes.map(({ nodeId }) => nodeId)).toEqual([B, C]);
  });

  it.each(vectorCases<{ name: string; said: [NodeId, object[]][]; view: object[] }>('registry', 'catalog-merge.json'))(
    '%s',
    (_, { said, view }) => {
      for (const [nodeId, models] of said) say(nodeId, models);
      const got = catalog.getAllModels().map(({ modelId, version, sha256, sizeBytes, nodes, disputedBy }) => ({
        model_id: modelId,
        version,
        sha256,
        size_bytes: sizeBytes,
        nodes: nodes.map(({ nodeId }) => nodeId),
        disputed_by: disputedBy,
      }));
      expect(got).toEqual(view);
    },
  );
});

describe('packages', () => {
  const offer = { model_id: 'line', name: 'line', type: 'package', format: 'atmo', sha256: Y, version: '1.3' };

  it('are in no list of models and no count, and have a list of their own', () => {
    say(A, [entry(), entry(offer)]);
    say(B, [entry(offer)]);
    expect(seen()).toEqual(['org/m 1.0.0 X node-a']);
    expect([catalog.getModel('line'), catalog.getModelsByType('other'), catalog.find('line')]).toEqual([
      undefined,
      [],
      { kind: 'not_found' },
    ]);
    expect(catalog.getStats()).toMatchObject({ models: 1, variants: 1, entries: 1 });
    expect(catalog.getNodes().map(({ modelCount }) => modelCount)).toEqual([1, 0]);
    const [variant, ...others] = catalog.getAllPackages();
    expect([variant?.modelId, variant?.nodes.map(({ nodeId }) => nodeId), others]).toEqual(['line', [A, B], []]);
    expect(catalog.claimsOf(Y)[0]?.nodes).toHaveLength(2);
    say(A, []);
    expect(catalog.getAllPackages()[0]?.nodes.map(({ nodeId }) => nodeId)).toEqual([B]);
  });

  it('hide no model: who calls a model a package speaks for itself', () => {
    say(A, [entry({ type: 'package', format: 'atmo' })]);
    say(B, [entry()]);
    expect(seen()).toEqual(['org/m 1.0.0 X node-b']);
    expect(catalog.getAllPackages()[0]?.nodes.map(({ nodeId }) => nodeId)).toEqual([A]);
  });
});

describe('what a node says later replaces what it said before (no. 2)', () => {
  it('a message without a page replaces models, version and endpoints', () => {
    say(A, [entry()], { transfer_endpoints: { http: 'http://10.0.0.1:1' } });
    say(A, [entry({ version: '1.1.0' })], { transfer_endpoints: { http: 'http://10.0.0.2:2', websocket: true } });
    expect(seen()).toEqual(['org/m 1.1.0 X node-a']);
    expect(catalog.getNodes()[0]?.endpoints).toMatchObject({ http: ['http://10.0.0.2:2'], websocket: true });
    expect(events.filter(({ type }) => type === 'endpoints')).toHaveLength(2);
  });

  it('a message with a page replaces that page only, and is not the word of another node', () => {
    say(A, [entry()], { page: 0 });
    say(A, [entry({ model_id: 'org/n' })], { page: 1 });
    say(A, [entry({ model_id: 'org/o' })], { page: 1, node_id: B });
    expect(seen()).toEqual(['org/m 1.0.0 X node-a', 'org/o 1.0.0 X node-a']);
    expect(catalog.getNodes().map(({ nodeId }) => nodeId)).toEqual([A]);
  });

  it('pages from catalog_pages on are void, and count again when the heartbeat has them', () => {
    say(A, [entry()], { page: 0 });
    say(A, [entry({ model_id: 'org/n' })], { page: 1 });
    beat(A, { catalog_pages: 1 });
    expect(seen()).toEqual(['org/m 1.0.0 X node-a']);
    say(A, [entry({ model_id: 'org/p' })], { page: 1 });
    expect(seen()).toHaveLength(1);
    beat(A, { catalog_pages: 2, http: ['https://10.0.0.9:1'], machine: 'here', loopback_port: 7 });
    expect(seen()).toEqual(['org/m 1.0.0 X node-a', 'org/p 1.0.0 X node-a']);
    expect(catalog.getNodes()[0]?.endpoints).toMatchObject({ http: ['https://10.0.0.9:1'], machine: 'here' });
  });

  it('who fetches a blob is known by it until it says otherwise, falls silent or leaves, and holds no model by that', async () => {
    const [x, y] = ['1'.repeat(64), '2'.repeat(64)];
    const fetchers = (sha256: string): string[] => catalog.fetchersOf(sha256).map(({ name }) => name);
    say(A, [entry()]);
    beat(A, { fetching: [x, y], http: ['https://10.0.0.9:1'] });
    beat(B, { fetching: [x] });
    expect([fetchers(x), fetchers(y)]).toEqual([[A, B], [A]]);
    expect(catalog.fetchersOf(y)[0]).toMatchObject({ nodeId: A, endpoints: { http: ['https://10.0.0.9:1'] } });
    expect(seen()).toEqual(['org/m 1.0.0 X node-a']);
    expect(catalog.claimsOf(x)).toEqual([]);
    beat(A, { fetching: [y, x] });
    expect(events.filter(({ type }) => type === 'fetching')).toHaveLength(2);
    beat(A, { fetching: [y] });
    expect([fetchers(x), fetchers(y)]).toEqual([[B], [A]]);
    catalog.removeNode(B);
    expect(fetchers(x)).toEqual([]);
    await clock.advance(301_000);
    expect(fetchers(y)).toEqual([]);
  });

  it('a repeated catalog is no change', () => {
    say(A, [entry()]);
    say(A, [entry()]);
    expect(events.filter(({ type }) => type === 'changed')).toEqual([
      { type: 'changed', nodeId: A, added: 1, removed: 0 },
    ]);
  });
});

describe('claims of one content', () => {
  it('come one a size, root and list, the most named first, with all who name it under whatever name', () => {
    const [root, lie] = ['ab'.repeat(32), '00'.repeat(32)];
    say(A, [entry({ piece_root: lie })]);
    say(B, [entry({ piece_root: root })]);
    say(C, [entry({ model_id: 'other/name', piece_root: root })]);
    const told = catalog.claimsOf(X).map(({ pieceRoot, nodes }) => [pieceRoot, nodes.map(({ nodeId }) => nodeId)]);
    expect(told).toEqual([
      [root, [B, C]],
      [lie, [A]],
    ]);
  });

  it('a node that makes a file of a list, or a list of a file, does not agree', () => {
    say(A, [entry({ file_count: 2, file_list_bytes: 10 })]);
    say(B, [entry()]);
    expect(catalog.claimsOf(X)).toHaveLength(2);
  });
});

describe('bad input (no. 3)', () => {
  it('null fields and bad entries cost themselves alone', () => {
    say(A, [entry({ classes: null }), { model_id: '../x' }, entry({ model_id: 'org/n', sha256: '' })]);
    expect(seen()).toEqual(['org/m 1.0.0 X node-a']);
    expect(catalog.getStats()).toMatchObject({ entries: 1, leftOut: 2 });
  });

  it('a message that is none is refused and changes nothing', () => {
    expect(() => catalog.processCatalogMessage(A, 'a', 'x')).toThrow(expect.objectContaining({ code: 'malformed' }));
    expect(() => catalog.processHeartbeat(A, {})).toThrow(expect.objectContaining({ code: 'malformed' }));
    const disguised = {
      type: 'model_catalog',
      dropped: [],
      models: [{ model_id: '../x' }],
      node_id: 'x',
      timestamp: 1,
    };
    catalog.processCatalogMessage(A, 'a', disguised);
    expect(catalog.getAllModels()).toEqual([]);
  });

  it('an entry beyond the byte limit loses its classes, or is left out', () => {
    const classes = Array.from({ length: 2000 }, (_, index) => `class-${index}`);
    say(A, [entry({ classes }), entry({ model_id: 'org/n', unknown: 'x'.repeat(9000) })]);
    expect(catalog.getAllModels().map(({ entry: { class_count, classes: list } }) => [class_count, list])).toEqual([
      [2000, undefined],
    ]);
  });

  it('an entry whose file leaves its folder costs itself alone', () => {
    say(A, [entry({ file: '../../.ssh/authorized_keys' }), entry({ model_id: 'org/n', file: 'n.gguf' })]);
    expect(seen()).toEqual(['org/n 1.0.0 X node-a']);
  });

  it('a node that sends many pages is counted anew once in a while, and whoever asks sees all', () => {
    const page = (index: number) =>
      Array.from({ length: 1000 }, (_, each) => entry({ model_id: `org/m${index}-${each}` }));
    let changes = 0;
    catalog.events.on(({ type }) => {
      if (type === 'changed') changes += 1;
    });
    for (let index = 0; index < 10; index++) say(A, page(index), { page: index });
    expect(changes).toBe(2);
    expect(catalog.claimsOf(X)).toHaveLength(1);
    expect(catalog.getStats().entries).toBe(10_000);
    expect(changes).toBe(3);
  });

  it('a node has at most its share of entries', () => {
    const models = Array.from({ length: 11_000 }, (_, index) => entry({ model_id: `org/m${index}` }));
    say(A, models, { page: 0 });
    say(
      A,
      models.map((model) => ({ ...model, model_id: `${model.model_id}x` })),
      { page: 1 },
    );
    expect(catalog.getStats().entries).toBe(REGISTRY_LIMITS.catalogEntriesPerNode);
  });
});

describe('expiry (no. 8)', () => {
  it('a node’s entries last 300 s from its last word, of whatever kind, and two lost words are no loss', () => {
    say(A, [entry()]);
    for (let round = 0; round < 4; round += 1) {
      clock.advance(TTL_MS - 1);
      expect(seen()).toHaveLength(1);
      beat(A);
    }
    clock.advance(TTL_MS);
    expect(seen()).toEqual([]);
    expect(events.at(-1)).toEqual({ type: 'expired', nodeId: A });
    expect(catalog.getStats()).toMatchObject({ nodes: 0, entries: 0 });
    expect(clock.timers).toBe(0);
  });

  it('a jump of the wall clock expires nobody', () => {
    say(A, [entry()]);
    clock.jump(86_400_000);
    expect(seen()).toHaveLength(1);
  });

  it('a word that was on its way for long counts from when it was said', () => {
    const message = { type: 'model_catalog', node_id: A, timestamp: 1, models: [entry()] };
    catalog.processCatalogMessage(A, 'a', message, { ageMs: TTL_MS - 1000 });
    expect(seen()).toHaveLength(1);
    clock.advance(1000);
    expect(seen()).toEqual([]);
  });

  it('a shorter ttl_seconds is honoured, a longer one is not', () => {
    say(A, [entry()], { ttl_seconds: 10 });
    say(B, [entry()], { ttl_seconds: 3600 });
    clock.advance(10_000);
    expect(seen()).toEqual(['org/m 1.0.0 X node-b']);
    clock.advance(TTL_MS);
    expect(seen()).toEqual([]);
  });

  it('one node falls silent, the others stay', () => {
    say(A, [entry()]);
    clock.advance(200_000);
    say(B, [entry()]);
    clock.advance(150_000);
    expect(seen()).toEqual(['org/m 1.0.0 X node-b']);
    catalog.removeNode(B);
    catalog.removeNode(B);
    expect(seen()).toEqual([]);
    catalog.close();
    expect(clock.timers).toBe(0);
  });
});

describe('finding', () => {
  beforeEach(() => {
    say(A, [entry({ version: '1.9.0' }), entry({ version: '1.10.0' }), entry({ model_id: 'other/q', type: 'vision' })]);
  });

  it('find() takes the newest version in the range: 1.10 is newer than 1.9 (no. 9)', () => {
    expect(catalog.find('org/m')).toMatchObject({ kind: 'found', variant: { version: '1.10.0' } });
    expect(catalog.find('org/m', '<1.10')).toMatchObject({ kind: 'found', variant: { version: '1.9.0' } });
    expect(catalog.find('org/m', '>=1.0.0')).toMatchObject({ kind: 'found', variant: { version: '1.10.0' } });
    expect(catalog.find('org/m', '>=2')).toEqual({ kind: 'not_found' });
    expect(catalog.find('nothing')).toEqual({ kind: 'not_found' });
    expect(() => catalog.find('org/m', '>>')).toThrow(expect.objectContaining({ code: 'invalid_range' }));
  });

  it('find() takes the last part of an id, and says when two ids share it', () => {
    expect(catalog.find('q')).toMatchObject({ kind: 'found', variant: { modelId: 'other/q' } });
    say(B, [entry({ model_id: 'third/q', name: 'q' })]);
    expect(catalog.find('q')).toMatchObject({ kind: 'ambiguous' });
    expect(catalog.find('third/q')).toMatchObject({ kind: 'found' });
  });

  it('getModel(), getModelsByType() and getStats() agree', () => {
    expect(catalog.getModel('org/m')?.variants.map(({ version }) => version)).toEqual(['1.10.0', '1.9.0']);
    expect(catalog.getModel('org/none')).toBeUndefined();
    expect(catalog.getModelsByType('vision').map(({ modelId }) => modelId)).toEqual(['other/q']);
    expect(catalog.getStats()).toEqual({
      nodes: 1,
      models: 2,
      variants: 3,
      entries: 3,
      leftOut: 0,
      totalSizeBytes: 15,
    });
  });

  it('getBestPeer() prefers the own machine, then HTTP, and never a banned peer', () => {
    for (const nodeId of [B, C]) say(nodeId, [entry({ version: '1.10.0' })]);
    beat(B, { http: ['https://10.0.0.2:1'] });
    beat(C, { http: ['https://10.0.0.3:1'], machine: 'here', loopback_port: 5 });
    const found = catalog.find('org/m');
    if (found.kind !== 'found') throw new Error(found.kind);
    const { variant } = found;
    expect(catalog.getBestPeer(variant, { machine: 'here' })?.nodeId).toBe(C);
    expect(catalog.getBestPeer(variant)?.nodeId).toBe(B);
    expect(catalog.getBestPeer(variant, { preferredNodeId: A })?.nodeId).toBe(A);
    const banned = { successes: 9, failures: 0, corruptions: 1, bannedUntilMs: clock.nowMs() + 1 };
    expect(catalog.getBestPeer(variant, { statsOf: () => banned })).toBeUndefined();
  });
});
