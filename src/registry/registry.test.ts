import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MeshId, ModelId, NodeId, PieceRoot, RequestId } from '../core/index.ts';
import type { SignedRecord } from '../protocol/index.ts';
import { openDatabase } from './database.ts';
import { REGISTRY_LIMITS } from './limits.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { openRegistry, type Registry } from './registry.ts';
import { digestOf, localModel } from './testing/local-model.ts';
import type { StoredTransfer } from './transfers.ts';

let folder: string;
let path: string;
let registry: Registry;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-'));
  path = join(folder, 'home', 'registry.sqlite');
  registry = openRegistry(path);
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

function reopen(): void {
  registry.close();
  registry = openRegistry(path);
}

function node(name: string): NodeId {
  return `12D3KooW${name}` as NodeId;
}

describe('openRegistry()', () => {
  it('opens with WAL, and once more without migrating again', () => {
    registry.settings.set('name', { a: [1, 'x'] });
    reopen();
    expect(registry.settings.get('name')).toEqual({ a: [1, 'x'] });
    registry.settings.delete('name');
    expect(registry.settings.get('name')).toBeUndefined();
  });

  it('refuses a database that is newer than the program, and leaves every byte of it', () => {
    registry.close();
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}; PRAGMA wal_checkpoint(TRUNCATE)`);
    db.close();
    const before = readFileSync(path);
    const names = readdirSync(join(folder, 'home'));
    expect(() => openRegistry(path)).toThrow(expect.objectContaining({ code: 'database_too_new', kind: 'storage' }));
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(join(folder, 'home'))).toEqual(names);
  });

  it.each([
    ['text', Buffer.from('this is no database, but it is somebody’s file')],
    ['a cut header', Buffer.from('SQLite format 3\0')],
    ['zeros', Buffer.alloc(8192)],
  ])('refuses a file of %s as database_corrupt and leaves it', (_, bytes) => {
    const other = join(folder, 'other.sqlite');
    writeFileSync(other, bytes);
    expect(() => openRegistry(other)).toThrow(expect.objectContaining({ code: 'database_corrupt' }));
    expect(readFileSync(other).equals(bytes)).toBe(true);
  });

  it('refuses a database whose pages are damaged', () => {
    registry.models.putAll(Array.from({ length: 500 }, (_, index) => localModel(index)));
    registry.close();
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(bytes.length - 100, 0xa5)]));
    expect(() => openRegistry(path)).toThrow(expect.objectContaining({ code: 'database_corrupt' }));
  });

  it('says database_failed where no database can be', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => openRegistry(join(folder, 'file', 'x.sqlite'))).toThrow(
      expect.objectContaining({ code: 'database_failed' }),
    );
  });

  it('says database_full where there is no room, and keeps what was there', () => {
    const db = openDatabase(join(folder, 'small.sqlite'), ['CREATE TABLE a (x)']);
    db.run('INSERT INTO a VALUES (1)');
    db.exec('PRAGMA max_page_count = 2');
    expect(() => db.run('INSERT INTO a VALUES (?)', new Uint8Array(100_000))).toThrow(
      expect.objectContaining({ code: 'database_full', kind: 'storage' }),
    );
    expect(db.all('SELECT * FROM a')).toEqual([{ x: 1 }]);
    db.close();
  });

  it('applies migrations in order, each whole or not at all', () => {
    const other = join(folder, 'steps.sqlite');
    openDatabase(other, ['CREATE TABLE a (x)']).close();
    expect(() => openDatabase(other, ['CREATE TABLE a (x)', 'CREATE TABLE b (x); CREATE TABLE a (x)'])).toThrow();
    const db = openDatabase(other, ['CREATE TABLE a (x)', 'CREATE TABLE b (x)']);
    expect(db.userVersion()).toBe(2);
    db.close();
  });

  it('a process killed while it writes leaves whole transactions', async () => {
    registry.close();
    const child = spawn(process.execPath, [new URL('./testing/write-child.ts', import.meta.url).pathname, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let last = -1;
    for await (const line of createInterface(child.stdout)) {
      last = Number(line);
      if (last === 30) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    registry = openRegistry(path);
    const count = registry.models.list().length;
    expect(count % 20).toBe(0);
    expect(count).toBeGreaterThanOrEqual((last + 1) * 20);
  });
});

describe('models', () => {
  it('put() keeps every field, 64-bit numbers too, over a restart', () => {
    const model = localModel(1, { unsafe: true, public: true });
    registry.models.put(model);
    reopen();
    expect(registry.models.list()).toEqual([model]);
  });

  it('two digests under one id and version are two variants, never merged', () => {
    const [one, two] = [localModel(1), localModel(1, { sha256: digestOf('other') })];
    registry.models.putAll([one, two]);
    expect(registry.models.get(one.modelId)).toHaveLength(2);
    expect(registry.models.delete(one)).toBe(true);
    expect(registry.models.get(one.modelId)).toEqual([two]);
  });

  it('a model that learns its digest replaces its own unhashed row and nobody else’s', () => {
    const found = localModel(1, { sha256: undefined, state: 'found' });
    const elsewhere = localModel(1, { sha256: undefined, state: 'found', sourceRef: '/other/place' });
    registry.models.putAll([found, elsewhere]);
    expect(registry.models.list()).toHaveLength(2);
    registry.models.put(localModel(1));
    expect(registry.models.list().map(({ state }) => state)).toEqual(['ready', 'found']);
  });

  it('changes the state of one variant and opens all of a model', () => {
    registry.models.putAll([localModel(1), localModel(2)]);
    expect(registry.models.setState(localModel(2), 'damaged')).toBe(true);
    expect(registry.models.setPublic('org/model-1' as ModelId, true)).toBe(1);
    expect(registry.models.list()).toMatchObject([
      { state: 'ready', public: true },
      { state: 'damaged', public: false },
    ]);
  });

  it('10,000 models are written in one transaction and listed', () => {
    const models = Array.from({ length: 10_000 }, (_, index) => localModel(index));
    registry.models.putAll(models);
    registry.models.putAll(models);
    expect(registry.models.list()).toHaveLength(10_000);
  });
});

describe('hashCache', () => {
  const file = { path: '/a', sizeBytes: 5, mtimeNs: 2n ** 63n - 1n, inode: 2n ** 64n - 1n, device: 1n };
  const hashes = { sha256: digestOf('a'), pieceHashes: Buffer.alloc(64, 7) };

  it('get() answers for exactly the state that was hashed', () => {
    registry.hashCache.put(file, hashes);
    reopen();
    expect(registry.hashCache.get(file)).toEqual(hashes);
    expect(registry.hashCache.get({ ...file, mtimeNs: file.mtimeNs - 1n })).toBeUndefined();
    expect(registry.hashCache.get({ ...file, inode: file.inode - 1n })).toBeUndefined();
    expect(registry.hashCache.get({ ...file, sizeBytes: 6 })).toBeUndefined();
  });
});

describe('blobIndex and pieceLists', () => {
  const sha256 = digestOf('blob');
  const state = { sizeBytes: 9, mtimeNs: 2n ** 62n, inode: 2n ** 64n - 1n, device: 3n };

  it('places come owned first and survive a restart', () => {
    const adopted = { sha256, sizeBytes: 9, place: 'adopted', path: '/a', state } as const;
    const owned = { sha256, sizeBytes: 9, place: 'owned', path: '/z', state: undefined } as const;
    registry.blobIndex.putPlace(adopted);
    registry.blobIndex.putPlace(owned);
    reopen();
    expect(registry.blobIndex.places(sha256)).toEqual([owned, adopted]);
    registry.blobIndex.deletePlace(sha256, '/z');
    expect(registry.blobIndex.allPlaces()).toEqual([adopted]);
  });

  it('pins and holders are kept once each', () => {
    registry.blobIndex.setPinned(sha256, true);
    registry.blobIndex.setPinned(sha256, true);
    registry.blobIndex.addRef(sha256, 'b');
    registry.blobIndex.addRef(sha256, 'a');
    registry.blobIndex.addRef(sha256, 'a');
    expect(registry.blobIndex.refs(sha256)).toEqual(['a', 'b']);
    expect(registry.blobIndex.isPinned(sha256)).toBe(true);
    registry.blobIndex.removeRef(sha256, 'a');
    registry.blobIndex.setPinned(sha256, false);
    expect(registry.blobIndex.refs(sha256)).toEqual(['b']);
    expect(registry.blobIndex.isPinned(sha256)).toBe(false);
  });

  it('a piece list comes back byte for byte', () => {
    const list = { sizeBytes: 9, pieceRoot: digestOf('r') as string as PieceRoot, hashes: Buffer.alloc(32, 1) };
    registry.pieceLists.put(sha256, list);
    expect(registry.pieceLists.get(sha256)).toEqual(list);
    registry.pieceLists.delete(sha256);
    expect(registry.pieceLists.get(sha256)).toBeUndefined();
  });
});

describe('records', () => {
  function record(seq: number, change: Partial<SignedRecord> = {}): SignedRecord {
    const signature = { signer: 's', algorithm: 'ed25519', signature: 'base64:x', signed_at: '2026-01-01T00:00:00Z' };
    const base = { type: 'record', kind: 'catalog', author: node('A'), key: '0', issued_at: 1, expires_at: 100 };
    return { ...base, seq, payload: { seq }, signature, ...change } as SignedRecord;
  }

  it('put() replaces the same author’s record of kind and key, and nothing else', () => {
    registry.records.put(record(1));
    registry.records.put(record(2));
    registry.records.put(record(3, { key: '1' }));
    registry.records.put(record(1, { author: node('B') }));
    reopen();
    expect(registry.records.list().map(({ seq }) => seq)).toEqual([2, 3, 1]);
    expect(registry.records.list({ author: node('B') })).toHaveLength(1);
    expect(registry.records.list({ kind: 'heartbeat' })).toEqual([]);
    expect(registry.records.get({ author: node('A'), kind: 'catalog', key: '1' })).toEqual(record(3, { key: '1' }));
    expect(registry.records.authors()).toEqual([
      { author: node('A'), count: 2, bytes: JSON.stringify([record(2), record(3, { key: '1' })]).length - 3 },
      { author: node('B'), count: 1, bytes: JSON.stringify(record(1, { author: node('B') })).length },
    ]);
  });

  it('highestSeq() outlives expiry, deletion, clear() and restarts', () => {
    registry.records.put(record(7));
    expect(registry.records.expire(100, floors)).toEqual([]);
    expect(registry.records.expire(101, floors)).toEqual([record(7)]);
    registry.records.put(record(5, { key: '1' }));
    registry.records.clear();
    reopen();
    expect(registry.records.list()).toEqual([]);
    expect(registry.records.highestSeq(node('A'))).toBe(7);
    expect(registry.records.highestSeq(node('B'))).toBe(0);
  });

  it('the floor of what expired is there after a restart, until its time is over', () => {
    registry.records.put(record(7));
    registry.records.expire(101, floors);
    reopen();
    expect([registry.records.floor(record(7)), registry.records.floor(record(7, { key: '1' }))]).toEqual([7, 0]);
    registry.records.expire(1001, floors);
    expect(registry.records.floor(record(7))).toBe(0);
  });

  const floors = { untilMs: () => 1000, most: 10 };
});

describe('peers and reliability', () => {
  it('remembers the latest addresses, bounded for a node and in all', () => {
    for (let index = 0; index < 20; index += 1)
      registry.peers.remember({ nodeId: node('A'), multiaddr: `/ip4/10.0.0.${index}`, lastSeenMs: index });
    expect(registry.peers.list().map(({ lastSeenMs }) => lastSeenMs)).toEqual([19, 18, 17, 16, 15, 14, 13, 12]);
    for (let index = 0; index < REGISTRY_LIMITS.peerAddresses; index += 1)
      registry.peers.remember({ nodeId: node(`N${index}`), multiaddr: '/ip4/10.0.0.1', lastSeenMs: 1000 + index });
    expect(registry.peers.list()).toHaveLength(REGISTRY_LIMITS.peerAddresses);
    expect(registry.peers.list().some(({ nodeId }) => nodeId === node('A'))).toBe(false);
    registry.peers.forget(node('N5'));
    expect(registry.peers.list()).toHaveLength(REGISTRY_LIMITS.peerAddresses - 1);
  });

  it('keeps what was learned of a peer over restarts', () => {
    registry.reliability.noteSuccess(node('A'), { bytes: 1000, durationMs: 10 });
    registry.reliability.noteSuccess(node('A'), { bytes: 2000, durationMs: 10 });
    registry.reliability.noteSuccess(node('A'), { bytes: 0, durationMs: 0 });
    registry.reliability.noteLatency(node('A'), 4);
    registry.reliability.noteFailure(node('A'), 50);
    registry.reliability.noteCorruption(node('A'), 60, 1060);
    reopen();
    expect(registry.reliability.get(node('A'))).toEqual({
      successes: 3,
      failures: 1,
      corruptions: 1,
      rateBytesPerSecond: 130_000,
      latencyMs: 4,
      lastFailureMs: 60,
      bannedUntilMs: 1060,
    });
    expect(registry.reliability.get(node('B'))).toBeUndefined();
  });
});

describe('invites and transfers', () => {
  it('an invite is counted down over a restart', () => {
    const meshId = 'mesh_x' as MeshId;
    const invite = { inviteId: 'i', meshId, role: 'r', secretHex: 'ab', expiresAtMs: 9, usesLeft: 2, failures: 0 };
    registry.invites.put(invite);
    registry.invites.put({ ...invite, usesLeft: 1, failures: 3 });
    reopen();
    expect(registry.invites.get('i')).toEqual({ ...invite, usesLeft: 1, failures: 3 });
    expect(registry.invites.list()).toHaveLength(1);
    registry.invites.delete('i');
    expect(registry.invites.get('i')).toBeUndefined();
  });

  function transfer(number: number, change: Partial<StoredTransfer> = {}): StoredTransfer {
    return {
      requestId: `request-${number}` as RequestId,
      modelId: 'org/m' as ModelId,
      version: '1',
      sha256: digestOf('m'),
      state: 'Downloading',
      receivedBytes: 5,
      totalBytes: 10,
      startedAtMs: number,
      updatedAtMs: number,
      endedAtMs: undefined,
      error: undefined,
      detail: {},
      fromNodes: [node('A')],
      ...change,
    };
  }

  it('interrupted downloads are active after a restart, ended ones are not', () => {
    const error = { code: 'disk_full', message: 'no room' };
    registry.transfers.put(transfer(1));
    registry.transfers.put(transfer(2, { state: 'Failed', endedAtMs: 3, error }));
    reopen();
    expect(registry.transfers.active()).toEqual([transfer(1)]);
    expect(registry.transfers.list()).toEqual([transfer(2, { state: 'Failed', endedAtMs: 3, error }), transfer(1)]);
  });

  it('the history is bounded and never loses an active one', () => {
    registry.transfers.put(transfer(0));
    for (let number = 1; number <= REGISTRY_LIMITS.endedTransfers + 5; number += 1)
      registry.transfers.put(transfer(number, { state: 'Completed', endedAtMs: number }));
    expect(registry.transfers.list(5000)).toHaveLength(REGISTRY_LIMITS.endedTransfers + 1);
    expect(registry.transfers.active()).toHaveLength(1);
    expect(registry.transfers.list(5000).some(({ requestId }) => requestId === 'request-1')).toBe(false);
  });
});
