import { describe, expect, test } from 'vitest';
import { silentLogger } from '../core/index.ts';
import type { SignedRecord } from '../protocol/index.ts';
import { makeTestMesh } from '../testkit/mesh-members.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { type Identity, issueCertificateRecord, signRecord } from '../trust/index.ts';
import { MESH_LIMITS } from './limits.ts';
import { MemoryRecordStore } from './memory-stores.ts';
import { type RecordEvent, RecordLog } from './record-log.ts';
import { recordBytes } from './record-usage.ts';

const HOUR_MS = 3_600_000;
const heartbeat = { kind: 'heartbeat' as const, key: '', payload: { type: 'heartbeat' }, ttlMs: 60_000 };

function setUp() {
  const clock = new VirtualClock();
  const mesh = makeTestMesh('log', clock.nowMs() - 2 * 86_400_000);
  const anna = mesh.member('anna', { withAuthority: true });
  const bert = mesh.member('bert');
  const open = (identity: Identity, store = new MemoryRecordStore()) => {
    const log = new RecordLog({ identity, store, clock, logger: silentLogger });
    const events: RecordEvent[] = [];
    log.events.on((event) => events.push(event));
    return { log, store, events };
  };
  const here = open(anna);
  const there = open(bert);
  here.log.accept(bert.certificateRecord, bert.nodeId);
  there.log.accept(anna.certificateRecord, anna.nodeId);
  return { clock, mesh, anna, bert, open, here, there };
}

function rejectionOf(log: RecordLog, record: unknown): string | undefined {
  const verdict = log.accept(record, undefined);
  return verdict.accepted ? undefined : verdict.rejection;
}

describe('RecordLog.publish()', () => {
  test('numbers records above everything the author has ever used, over restarts and clock jumps', () => {
    const { clock, bert, open } = setUp();
    const { log, store } = open(bert);
    const first = log.publish(heartbeat);
    const second = log.publish({ ...heartbeat, kind: 'catalog', key: '0' });
    expect(second.seq).toBeGreaterThan(first.seq);
    clock.jumpTo(clock.nowMs() + 240_000);
    const ahead = open(bert, store).log.publish(heartbeat);
    clock.jumpTo(clock.nowMs() - 240_000);
    expect(open(bert, store).log.publish(heartbeat).seq).toBe(ahead.seq + 1);
  });

  test('goes on above its past when its disk was lost', async () => {
    const { clock, bert, open, here } = setUp();
    const before = open(bert).log.publish(heartbeat);
    here.log.accept(before, bert.nodeId);
    await clock.advance(1000);
    const after = open(bert, new MemoryRecordStore()).log.publish(heartbeat);
    expect(rejectionOf(here.log, after)).toBeUndefined();
  });

  test('announces one more of 10,000 models by one page', () => {
    const { bert, open } = setUp();
    const { log } = open(bert);
    const entry = (index: number) => ({
      model_id: `org/model-${index}`,
      sha256: 'ab'.repeat(32),
      size_bytes: 1e9,
      name: `model ${index}`,
    });
    const page = (number: number, count: number) => {
      const models = Array.from({ length: count }, (_, index) => entry(number * 50 + index));
      return log.publish({
        kind: 'catalog',
        key: String(number),
        payload: { type: 'model_catalog', models },
        ttlMs: 300_000,
      });
    };
    const all = Array.from({ length: 200 }, (_, number) => page(number, number === 199 ? 49 : 50));
    const wholeBytes = all.reduce((sum, record) => sum + recordBytes(record), 0);
    const changed = page(199, 50);
    expect(wholeBytes).toBeGreaterThan(1_000_000);
    expect(recordBytes(changed)).toBeLessThan(wholeBytes / 150);
    expect(log.list({ kind: 'catalog' })).toHaveLength(200);
  });

  test('throws for a record that would not be accepted elsewhere', () => {
    const { there } = setUp();
    const tooLarge = { ...heartbeat, payload: { fill: 'x'.repeat(300_000) } };
    const refused = expect.objectContaining({ code: 'record_refused', data: { rejection: 'too_large' } });
    expect(() => there.log.publish(tooLarge)).toThrow(refused);
    expect(() => there.log.publish({ ...heartbeat, ttlMs: 25 * HOUR_MS })).toThrow(
      expect.objectContaining({ data: { rejection: 'bad_lifetime' } }),
    );
  });
});

describe('RecordLog.accept()', () => {
  test('refuses what is nested so deep that walking it could end the program', () => {
    const { clock, bert, here } = setUp();
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    const signed = (seq: number, depth: number) =>
      signRecord(
        { ...heartbeat, payload: { type: 'heartbeat', deep: nested(depth) }, seq, issuedAtMs: clock.nowMs() },
        { id: bert.nodeId, privateKey: bert.nodeKey },
      );
    expect(rejectionOf(here.log, signed(1, 2000))).toBe('malformed');
    expect(rejectionOf(here.log, signed(2, 20))).toBeUndefined();
  });

  test('keeps what is good, tells of it once, and replaces only the same author’s same key', () => {
    const { bert, here, there } = setUp();
    const first = there.log.publish(heartbeat);
    const page = there.log.publish({ ...heartbeat, kind: 'catalog', key: '0' });
    for (const record of [first, page]) here.log.accept(record, bert.nodeId);
    const second = there.log.publish(heartbeat);
    expect(here.log.accept(second, bert.nodeId)).toEqual({ accepted: true, record: second });
    expect(here.log.list({ author: bert.nodeId })).toEqual([second, page]);
    expect(here.events.at(-1)).toEqual({ type: 'accepted', record: second, replaced: first, via: bert.nodeId });
    expect(rejectionOf(here.log, second)).toBe('known');
    expect(rejectionOf(here.log, first)).toBe('stale');
  });

  test('refuses nonsense and forgeries by reason, and throws for nothing', () => {
    const { here, there } = setUp();
    const good = there.log.publish(heartbeat);
    for (const nonsense of [undefined, null, 7, 'x', [], {}, { ...good, seq: '9' }])
      expect(rejectionOf(here.log, nonsense)).toBe('malformed');
    expect(rejectionOf(here.log, { ...good, payload: { changed: true } })).toBe('bad_signature');
  });

  test('refuses the future beyond 300 s, and takes the record once its clock is right', () => {
    const { clock, here, there } = setUp();
    const record = there.log.publish({ ...heartbeat, ttlMs: HOUR_MS });
    const right = clock.nowMs();
    clock.jumpTo(right - 86_400_000);
    expect(rejectionOf(here.log, record)).toBe('from_future');
    clock.jumpTo(right + 86_400_000);
    expect(rejectionOf(here.log, record)).toBe('expired');
    clock.jumpTo(right);
    expect(rejectionOf(here.log, record)).toBeUndefined();
  });

  test('refuses an author whose certificate is over', async () => {
    const { clock, mesh, open, here } = setUp();
    const guest = mesh.member('guest', { nowMs: clock.nowMs(), lifeMs: 1000 });
    here.log.accept(guest.certificateRecord, undefined);
    const record = open(guest).log.publish(heartbeat);
    await clock.advance(1500);
    expect(rejectionOf(here.log, record)).toBe('certificate_invalid');
  });

  test('bounds what one author may have here, by count and by bytes', () => {
    const { clock, bert, here } = setUp();
    const signer = { id: bert.nodeId, privateKey: bert.nodeKey };
    const fill = 'x'.repeat(250_000);
    let seq = 0;
    let refused: string | undefined;
    const nowMs = clock.nowMs();
    while (refused === undefined && seq < 200) {
      seq += 1;
      const payload = { fill };
      const draft = { kind: 'catalog' as const, key: String(seq), payload, seq, issuedAtMs: nowMs, ttlMs: 60_000 };
      refused = rejectionOf(here.log, signRecord(draft, signer));
    }
    expect(refused).toBe('over_quota');
    const held = here.log.list({ author: bert.nodeId });
    expect(held.reduce((sum, record) => sum + recordBytes(record), 0)).toBeLessThanOrEqual(
      MESH_LIMITS.recordBytesPerNode,
    );
    const smaller = { kind: 'catalog' as const, key: '1', payload: {}, seq: seq + 1, issuedAtMs: nowMs, ttlMs: 60_000 };
    expect(rejectionOf(here.log, signRecord(smaller, signer))).toBeUndefined();
  });
});

describe('replay', () => {
  test('what was replaced stays refused when its successor has expired, over a restart, as long as it could be valid', async () => {
    const { clock, anna, bert, open, here, there } = setUp();
    const old = there.log.publish({ ...heartbeat, ttlMs: 20 * HOUR_MS });
    await clock.advance(1000);
    const newer = there.log.publish({ ...heartbeat, ttlMs: HOUR_MS });
    for (const record of [old, newer]) here.log.accept(record, bert.nodeId);
    await clock.advance(HOUR_MS + 1);
    here.log.sweep();
    expect(here.log.list({ author: bert.nodeId })).toEqual([]);
    expect(rejectionOf(here.log, old)).toBe('stale');
    const reopened = open(anna, here.store).log;
    reopened.accept(bert.certificateRecord, undefined);
    expect(rejectionOf(reopened, old)).toBe('stale');
    await clock.advance(1000);
    expect(rejectionOf(reopened, there.log.publish(heartbeat))).toBeUndefined();
  });

  test('an order lives at least as long as the one whose place it takes, so a node that saw neither is not shown the old one', async () => {
    const { clock, mesh, open } = setUp();
    const log = open(mesh.member('carl', { role: 'admin' })).log;
    const policy = { kind: 'access' as const, key: '', payload: { type: 'model_access', models: {} } };
    const old = log.publish({ ...policy, ttlMs: 300 * HOUR_MS });
    await clock.advance(1000);
    const next = log.publish({ ...policy, ttlMs: HOUR_MS });
    expect(next.expires_at).toBe(old.expires_at);
  });
});

describe('revocation', () => {
  test('removes the node’s records, refuses new ones, and lasts over a restart', () => {
    const { anna, bert, open, here, there } = setUp();
    const record = there.log.publish(heartbeat);
    here.log.accept(record, bert.nodeId);
    here.log.revoke(anna.authority as NonNullable<Identity['authority']>, bert.nodeId, 'stolen');
    expect(here.events.slice(-2)).toEqual([
      { type: 'removed', record },
      { type: 'revoked', nodeId: bert.nodeId, reason: 'stolen' },
    ]);
    expect(rejectionOf(here.log, there.log.publish(heartbeat))).toBe('revoked_author');
    const again = open(anna, here.store).log;
    expect(again.isRevoked(bert.nodeId)).toBe(true);
    expect(again.certificates().map(({ node_id }) => node_id)).toContain(bert.nodeId);
  });

  test('a newer certificate does not bring a revoked node back', () => {
    const { clock, anna, bert, here, there } = setUp();
    const authority = anna.authority as NonNullable<Identity['authority']>;
    here.log.revoke(authority, bert.nodeId, '');
    const draft = {
      nodeId: bert.nodeId,
      role: 'admin',
      name: 'bert',
      serial: here.log.nextSeq(authority.id),
      nowMs: clock.nowMs(),
    };
    here.log.accept(issueCertificateRecord(authority, draft), undefined);
    expect(rejectionOf(here.log, there.log.publish(heartbeat))).toBe('revoked_author');
  });
});

describe('RecordLog.sweep()', () => {
  test('deletes what is over and says so; the author’s numbers go on', async () => {
    const { clock, bert, here, there } = setUp();
    const record = there.log.publish(heartbeat);
    here.log.accept(record, bert.nodeId);
    await clock.advance(60_000);
    expect(here.log.list({ author: bert.nodeId })).toEqual([]);
    await clock.advance(1);
    here.log.sweep();
    expect(here.events.at(-1)).toEqual({ type: 'expired', record });
    expect(here.store.highestSeq(bert.nodeId)).toBe(record.seq);
  });
});

describe('opening', () => {
  test('clears the records of another mesh that a crash has left', () => {
    const { bert, open, there } = setUp();
    there.log.publish(heartbeat);
    const other = makeTestMesh('other').member('bert');
    const { log } = open({ ...other, nodeId: bert.nodeId }, there.store);
    const authors = new Set(log.list().map((record: SignedRecord) => record.author));
    expect(authors.has(bert.meshId)).toBe(false);
    expect(authors.has(bert.nodeId)).toBe(false);
  });
});
