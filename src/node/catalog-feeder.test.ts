import { afterEach, beforeEach, expect, test } from 'vitest';
import { Emitter, type NodeId, silentLogger } from '../core/index.ts';
import type { MembershipEvent, RecordEvent } from '../mesh/index.ts';
import type { SignedRecord } from '../protocol/index.ts';
import { ModelCatalog } from '../registry/index.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { CatalogFeeder } from './catalog-feeder.ts';
import { oneFile } from './pull/pulling.fixture.ts';

const id = (letter: string) => `12D3KooW${letter.repeat(44)}` as NodeId;
const [SELF, A, B] = [id('S'), id('A'), id('B')];

/** The records of a mesh as its log keeps them, and its events; nothing else of a mesh is asked. */
class FakeMesh {
  readonly nodeId = SELF;
  readonly recordEvents = new Emitter<RecordEvent>();
  readonly membershipEvents = new Emitter<MembershipEvent>();
  readonly revoked = new Set<NodeId>();
  readonly stored: SignedRecord[] = [];

  isRevoked(nodeId: NodeId): boolean {
    return this.revoked.has(nodeId);
  }

  records(filter: { readonly author?: string; readonly kind?: string } = {}): SignedRecord[] {
    return this.stored.filter(
      ({ author, kind }) => (filter.author ?? author) === author && (filter.kind ?? kind) === kind,
    );
  }

  accept(record: SignedRecord): void {
    const at = this.stored.findIndex(
      ({ author, kind, key }) => author === record.author && kind === record.kind && key === record.key,
    );
    if (at >= 0) this.stored.splice(at, 1);
    this.stored.push(record);
    this.recordEvents.emit({ type: 'accepted', record, replaced: undefined, via: undefined });
  }
}

let clock: VirtualClock;
let mesh: FakeMesh;
let catalog: ModelCatalog;
let feeder: CatalogFeeder;

beforeEach(() => {
  clock = new VirtualClock();
  mesh = new FakeMesh();
  catalog = new ModelCatalog({ clock });
  feeder = new CatalogFeeder({ mesh, catalog, clock, logger: silentLogger });
});
afterEach(() => feeder[Symbol.dispose]());

function record(author: NodeId, kind: 'heartbeat' | 'catalog', key: string, payload: object, ageMs = 0): SignedRecord {
  const times = { issued_at: clock.nowMs() - ageMs, expires_at: clock.nowMs() + 1e6 };
  const signature = { signer: author, algorithm: 'ed25519', signature: 'base64:', signed_at: '' } as never;
  return { type: 'record', kind, author, key, seq: 1, ...times, payload: { ...payload }, signature };
}

function beat(author: NodeId, ageMs = 0, change: object = {}): SignedRecord {
  const payload = { type: 'heartbeat', node_name: `name of ${author.at(-1)}`, catalog_pages: 2, ...change };
  return record(author, 'heartbeat', '', payload, ageMs);
}

function page(author: NodeId, number: number, ...modelIds: string[]): SignedRecord {
  return agedPage(author, number, 0, ...modelIds);
}

function agedPage(author: NodeId, number: number, ageMs: number, ...modelIds: string[]): SignedRecord {
  const models = modelIds.map((modelId) => oneFile(modelId, Buffer.from(modelId)).entry);
  const payload = { type: 'model_catalog', node_id: author, node_name: 'x', timestamp: 1, models };
  return record(author, 'catalog', String(number), payload, ageMs);
}

function seen(): string[] {
  return catalog.getAllModels().flatMap(({ modelId, nodes }) => nodes.map(({ name }) => `${modelId} ${name}`));
}

test('start() feeds what was stored, pages of nodes that live', () => {
  mesh.stored.push(page(A, 0, 'org/a'), beat(A), page(B, 0, 'org/b'));
  feeder.start();
  expect(seen()).toEqual(['org/a name of A']);
});

test('a page that came before its heartbeat counts from the heartbeat on', () => {
  feeder.start();
  mesh.accept(page(A, 0, 'org/a'));
  expect(seen()).toEqual([]);
  mesh.accept(beat(A));
  expect(seen()).toEqual(['org/a name of A']);
});

test('a page replaces itself and no other', () => {
  feeder.start();
  mesh.accept(beat(A));
  mesh.accept(page(A, 0, 'org/a', 'org/b'));
  mesh.accept(page(A, 1, 'org/c'));
  mesh.accept(page(A, 0, 'org/b'));
  expect(seen()).toEqual(['org/b name of A', 'org/c name of A']);
});

test('a node that was silent beyond its time is whole again with its next word', async () => {
  feeder.start();
  mesh.accept(beat(A));
  mesh.accept(page(A, 0, 'org/a'));
  await clock.advance(301_000);
  expect(seen()).toEqual([]);
  mesh.accept(beat(A));
  expect(seen()).toEqual(['org/a name of A']);
});

test('an old heartbeat, as one that was reconciled, lasts only for the rest of its time', async () => {
  feeder.start();
  mesh.accept(beat(A, 299_000));
  mesh.accept(agedPage(A, 0, 299_500, 'org/a'));
  expect(seen()).toEqual(['org/a name of A']);
  await clock.advance(2_000);
  mesh.accept(beat(B, 400_000));
  expect(catalog.getNodes()).toEqual([]);
});

test('a page speaks for its author, whoever it says it is from', () => {
  feeder.start();
  mesh.accept(beat(A));
  mesh.accept(beat(B));
  const forged = page(A, 0, 'org/a');
  mesh.accept({ ...forged, payload: { ...forged.payload, node_id: B } });
  expect(seen()).toEqual(['org/a name of A']);
});

test('a payload that is refused costs itself alone', () => {
  feeder.start();
  mesh.accept(beat(A));
  mesh.accept(page(A, 0, 'org/a'));
  mesh.accept(record(A, 'catalog', '1', { type: 'something else' }));
  mesh.accept(record(B, 'heartbeat', '', { type: 'something else' }));
  expect(seen()).toEqual(['org/a name of A']);
});

test('this node’s own records are not others’', () => {
  feeder.start();
  mesh.accept(beat(SELF));
  mesh.accept(page(SELF, 0, 'org/mine'));
  expect([seen(), catalog.getNodes()]).toEqual([[], []]);
});

test('a revoked node has nothing', () => {
  feeder.start();
  mesh.accept(beat(A));
  mesh.accept(page(A, 0, 'org/a'));
  mesh.recordEvents.emit({ type: 'revoked', nodeId: A, reason: '' });
  expect([seen(), catalog.getNodes()]).toEqual([[], []]);
});

test('a node that says it leaves has nothing from then on, and all of it with its next word', () => {
  mesh.stored.push(beat(A), page(A, 0, 'org/a'));
  feeder.start();
  mesh.accept(beat(A, 0, { leaving: true }));
  expect(catalog.getNodes()).toEqual([]);
  mesh.accept(beat(A));
  expect(catalog.getAllModels()).toHaveLength(1);
});

test('another mesh: what the old one said counts no more', () => {
  feeder.start();
  mesh.accept(beat(A));
  mesh.accept(page(A, 0, 'org/a'));
  mesh.stored.splice(0);
  mesh.stored.push(beat(B), page(B, 0, 'org/b'));
  mesh.membershipEvents.emit({ type: 'changed', identity: undefined as never });
  expect(seen()).toEqual(['org/b name of B']);
});

test('a node that was put out sees nobody', () => {
  feeder.start();
  mesh.accept(beat(A));
  mesh.revoked.add(SELF);
  mesh.membershipEvents.emit({ type: 'put_out', reason: '' });
  expect(catalog.getNodes()).toEqual([]);
});

test('after its end it feeds nothing', () => {
  feeder.start();
  feeder[Symbol.dispose]();
  mesh.accept(beat(A));
  expect(catalog.getNodes()).toEqual([]);
});
