import { describe, expect, it } from 'vitest';
import { Emitter, type NodeId, silentLogger } from '../../core/index.ts';
import type { Deployed } from '../../deploy/index.ts';
import { MESH_LIMITS, type MembershipEvent, type RecordEvent } from '../../mesh/index.ts';
import type { ModelStatusPage, SignedRecord } from '../../protocol/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { NODE_LIMITS } from '../limits.ts';
import { StatusBook } from './status-book.ts';
import { StatusPublisher } from './status-publisher.ts';

const EDGE = '12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7' as NodeId;

class FakeMesh {
  readonly nodeId = EDGE;
  readonly recordEvents = new Emitter<RecordEvent>();
  readonly membershipEvents = new Emitter<MembershipEvent>();
  readonly held: SignedRecord[] = [];
  readonly published: string[] = [];
  failure: Error | undefined;

  readonly clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  isRevoked = () => false;
  records = ({ kind }: { kind?: string } = {}) => this.held.filter((record) => record.kind === kind);

  publish = ({ key, payload, ttlMs }: { key: string; payload: Record<string, unknown>; ttlMs: number }) => {
    if (this.failure !== undefined) throw this.failure;
    this.published.push(key);
    return this.put(key, payload, this.clock.nowMs(), ttlMs);
  };

  put(key: string, payload: Record<string, unknown>, issued_at: number, ttlMs = 86_400_000): SignedRecord {
    const head = { type: 'record', kind: 'status', author: EDGE, key, seq: issued_at, issued_at } as const;
    const record = { ...head, expires_at: issued_at + ttlMs, payload } as unknown as SignedRecord;
    const at = this.held.findIndex((one) => one.key === key);
    const replaced = at < 0 ? undefined : this.held.splice(at, 1)[0];
    this.held.push(record);
    this.recordEvents.emit({ type: 'accepted', record, replaced, via: undefined });
    return record;
  }
}

function page(number: number, pages: number, ...ids: string[]): ModelStatusPage {
  const entry = (model_id: string) => ({
    ...{ model_id, version: '1.0.0', sha256: 'ab'.repeat(32), status: 'Loaded', download_progress: 1 },
    updated_at: '2027-01-15T08:00:00.000Z',
  });
  return { type: 'model_status', page: number, pages, models: ids.map(entry) } as unknown as ModelStatusPage;
}

function open() {
  const mesh = new FakeMesh(new VirtualClock());
  const book = new StatusBook({ mesh: mesh as never, logger: silentLogger });
  const ids = () => book.of(EDGE)?.models.map(({ model_id }) => model_id as string);
  return { mesh, book, ids };
}

describe('StatusBook', () => {
  it('puts the pages of a node together, and drops those that its newest word makes void', () => {
    const { mesh, ids } = open();
    expect(ids()).toBeUndefined();
    mesh.put('1', page(1, 2, 'm/c'), 10);
    mesh.put('0', page(0, 2, 'm/a', 'm/b'), 11);
    expect(ids()).toEqual(['m/a', 'm/b', 'm/c']);
    mesh.put('0', page(0, 1, 'm/a'), 12);
    expect(ids()).toEqual(['m/a']);
    mesh.put('3', page(0, 1, 'm/lie'), 13);
    expect(ids()).toEqual(['m/a']);
    mesh.put('0', page(0, 0), 13);
    expect(ids()).toEqual([]);
  });

  it('refuses a page that does not parse, and keeps the one before', () => {
    const { mesh, ids } = open();
    mesh.put('0', page(0, 1, 'm/a'), 10);
    mesh.put('0', { type: 'model_status', page: 0, pages: 1, models: 'none' }, 11);
    expect(ids()).toEqual(['m/a']);
  });

  it('forgets a node that was put out, and tells so', () => {
    const { mesh, book, ids } = open();
    mesh.put('0', page(0, 1, 'm/a'), 10);
    const told: NodeId[] = [];
    book.changes.on((nodeId) => told.push(nodeId));
    mesh.recordEvents.emit({ type: 'revoked', nodeId: EDGE, reason: 'stolen' });
    expect([ids(), told]).toEqual([undefined, [EDGE]]);
  });

  it('forgets what ran out, and not what has taken its place', () => {
    const { mesh, ids } = open();
    const old = mesh.put('0', page(0, 1, 'm/a'), 10);
    const now = mesh.put('0', page(0, 1, 'm/b'), 11);
    mesh.recordEvents.emit({ type: 'expired', record: old });
    expect(ids()).toEqual(['m/b']);
    mesh.recordEvents.emit({ type: 'expired', record: now });
    expect(ids()).toBeUndefined();
  });
});

describe('StatusPublisher', () => {
  const row = {
    ...{ modelId: 'm/a', version: '1.0.0', sha256: 'ab'.repeat(32), status: 'Loaded', inForce: 'this', updatedAtMs: 1 },
    because: { kind: 'organic', id: '' },
  } as unknown as Deployed;

  function publishing(rows: readonly Deployed[] = []) {
    const clock = new VirtualClock();
    const mesh = new FakeMesh(clock);
    const publisher = new StatusPublisher({ mesh: mesh as never, rows: () => rows, clock, logger: silentLogger });
    return { clock, mesh, publisher };
  }

  it('says nothing of nothing, and takes back what it said', async () => {
    const { mesh, publisher } = publishing();
    publisher.start();
    expect(mesh.published).toEqual([]);
    mesh.put('0', page(0, 1, 'm/a'), mesh.clock.nowMs());
    publisher.changed();
    expect(mesh.published).toEqual(['0']);
    publisher.changed();
    expect(mesh.published).toEqual(['0']);
    publisher[Symbol.dispose]();
  });

  it('goes on after the mesh took nothing', async () => {
    const { mesh, clock, publisher } = publishing();
    mesh.put('0', page(0, 1, 'm/a'), clock.nowMs());
    mesh.failure = new Error('record_refused');
    publisher.changed();
    mesh.failure = undefined;
    publisher.changed();
    expect(mesh.published).toEqual(['0']);
    publisher[Symbol.dispose]();
  });

  it('says by itself what the mesh did not take, as on a disk that was full', async () => {
    const { mesh, clock, publisher } = publishing([row]);
    mesh.failure = new Error('no_space');
    publisher.changed();
    await clock.advance(NODE_LIMITS.statusRetryMs * 2);
    mesh.failure = undefined;
    await clock.advance(NODE_LIMITS.statusRetryMs);
    expect(mesh.published).toEqual(['0']);
    publisher[Symbol.dispose]();
    await clock.advance(NODE_LIMITS.statusRetryMs);
    expect(mesh.published).toEqual(['0']);
  });

  it('says a page once, and again before it would run out', async () => {
    const { mesh, clock, publisher } = publishing([row]);
    publisher.start();
    publisher.changed();
    expect(mesh.published).toEqual(['0']);
    await clock.advance(MESH_LIMITS.nodeRecordLifeMs / 2 + 3_600_000);
    expect(mesh.published).toEqual(['0', '0']);
    publisher[Symbol.dispose]();
  });
});
