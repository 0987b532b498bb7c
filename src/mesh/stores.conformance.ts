/** What every store of the mesh must do: run over memory here, over SQLite where that is put together. */
import { expect, test } from 'vitest';
import type { SignedRecord } from '../protocol/index.ts';
import { makeTestMesh } from '../testkit/mesh-members.ts';
import { signRecord } from '../trust/index.ts';
import type { FloorRule, InviteStore, PeerStore, RecordStore } from './ports.ts';

const NOW = 1_800_000_000_000;
const mesh = makeTestMesh('stores', NOW);
const anna = mesh.member('anna');
const bert = mesh.member('bert');

function heartbeat(author: typeof anna, seq: number, ttlMs = 60_000): SignedRecord {
  const draft = { kind: 'heartbeat' as const, key: '', payload: { seq }, seq, issuedAtMs: NOW, ttlMs };
  return signRecord(draft, { id: author.nodeId, privateKey: author.nodeKey });
}

export function testRecordStore(make: () => RecordStore): void {
  test('put() replaces the same author, kind and key, and get() gives it back as it was', () => {
    const store = make();
    const records = [heartbeat(anna, 1), heartbeat(bert, 1), anna.certificateRecord];
    for (const record of records) store.put(record);
    const newer = heartbeat(anna, 2);
    store.put(newer);
    expect(store.get(newer)).toEqual(newer);
    expect(store.list()).toHaveLength(3);
    expect(store.list({ author: anna.nodeId })).toEqual([newer]);
    expect(store.list({ kind: 'certificate' })).toEqual([anna.certificateRecord]);
    expect(store.list({ author: anna.nodeId, kind: 'certificate' })).toEqual([]);
  });

  test('heads() names what list() has, without payloads', () => {
    const store = make();
    for (const record of [heartbeat(anna, 1), heartbeat(bert, 4), anna.certificateRecord]) store.put(record);
    const named = store
      .list()
      .map(({ author, kind, key, seq, expires_at }) => ({ author, kind, key, seq, expires_at }));
    expect(store.heads()).toHaveLength(3);
    expect(store.heads()).toEqual(expect.arrayContaining(named));
    const { author, kind, key, seq, expires_at } = heartbeat(bert, 4);
    expect(store.heads({ author: bert.nodeId })).toEqual([{ author, kind, key, seq, expires_at }]);
  });

  test('authors() counts records and their bytes as JSON', () => {
    const store = make();
    const record = heartbeat(anna, 1);
    store.put(record);
    const bytes = Buffer.byteLength(JSON.stringify(record));
    expect(store.authors()).toEqual([{ author: anna.nodeId, count: 1, bytes }]);
    store.delete(record);
    expect([store.authors(), store.get(record)]).toEqual([[], undefined]);
  });

  test('expire() deletes what is over and returns it; highestSeq() outlives both that and clear()', () => {
    const store = make();
    const [short, long] = [heartbeat(anna, 7, 1000), heartbeat(bert, 3)];
    for (const record of [short, long]) store.put(record);
    expect(store.expire(NOW + 999, rule())).toEqual([]);
    expect(store.expire(NOW + 1001, rule())).toEqual([short]);
    expect(store.list()).toEqual([long]);
    expect([store.highestSeq(anna.nodeId), store.highestSeq(bert.nodeId)]).toEqual([7, 3]);
    store.clear();
    expect([store.list(), store.highestSeq(bert.nodeId)]).toEqual([[], 3]);
  });

  test('expire() leaves the floor of what went, through clear(), until its time is over', () => {
    const store = make();
    const [short, long] = [heartbeat(anna, 7, 1000), heartbeat(bert, 3)];
    for (const record of [short, long]) store.put(record);
    expect(store.floor(short)).toBe(0);
    store.expire(NOW + 1001, rule());
    store.clear();
    expect([store.floor(short), store.floor(long), store.floor({ ...short, key: '1' })]).toEqual([7, 0, 0]);
    store.expire(NOW + FLOOR_MS, rule());
    expect(store.floor(short)).toBe(7);
    store.expire(NOW + FLOOR_MS + 1, rule());
    expect(store.floor(short)).toBe(0);
  });

  test('a record that could not have been outlived by an older one leaves no floor', () => {
    const store = make();
    const record = heartbeat(anna, 7, 1000);
    store.put(record);
    store.expire(NOW + 1001, { untilMs: ({ expires_at }) => expires_at, most: 10 });
    expect(store.floor(record)).toBe(0);
  });

  test('an author with more floors than it may have gets one for all, and others keep theirs', () => {
    const store = make();
    const records = [5, 9, 7].map((seq) => ({ ...heartbeat(anna, seq, 1000), key: String(seq) }));
    for (const record of [...records, heartbeat(bert, 3, 1000)]) store.put(record);
    store.expire(NOW + 1001, rule(2));
    expect(records.map((record) => store.floor(record))).toEqual([9, 9, 9]);
    expect(store.floor({ author: anna.nodeId, kind: 'catalog', key: 'any' })).toBe(9);
    expect(store.floor({ author: bert.nodeId, kind: 'heartbeat', key: '' })).toBe(3);
    expect(store.floor({ author: bert.nodeId, kind: 'catalog', key: '' })).toBe(0);
  });
}

const FLOOR_MS = 50_000;
const rule = (most = 10): FloorRule => ({ untilMs: ({ issued_at }) => issued_at + FLOOR_MS, most });

export function testPeerStore(make: () => PeerStore): void {
  test('remember() keeps several addresses of a peer, each once; forget() drops them all', () => {
    const store = make();
    const peer = { nodeId: anna.nodeId, multiaddr: '/ip4/10.0.0.2/tcp/1', lastSeenMs: 1 };
    for (const lastSeenMs of [1, 2]) store.remember({ ...peer, lastSeenMs });
    store.remember({ ...peer, multiaddr: '/ip4/10.0.0.3/tcp/1' });
    store.remember({ ...peer, nodeId: bert.nodeId });
    expect(store.list()).toHaveLength(3);
    expect(store.list()).toContainEqual({ ...peer, lastSeenMs: 2 });
    store.forget(anna.nodeId);
    expect(store.list()).toEqual([{ ...peer, nodeId: bert.nodeId }]);
  });
}

export function testInviteStore(make: () => InviteStore): void {
  test('put() replaces the invite of the same id; delete() is no error for one that is gone', () => {
    const store = make();
    const invite = {
      inviteId: '00',
      meshId: anna.meshId,
      role: 'edge',
      secretHex: 'ff',
      expiresAtMs: NOW,
      usesLeft: 2,
      failures: 0,
    };
    store.put(invite);
    store.put({ ...invite, usesLeft: 1 });
    expect(store.get('00')).toEqual({ ...invite, usesLeft: 1 });
    expect(store.list()).toHaveLength(1);
    store.delete('00');
    store.delete('00');
    expect([store.get('00'), store.list()]).toEqual([undefined, []]);
  });
}
