import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, open, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PieceHasher, pieceLayout, pieceRange } from '../content/index.ts';
import { MiB } from '../core/index.ts';
import { SeededBytes } from '../testkit/seeded-bytes.ts';
import { fingerprintFile } from './file-state.ts';
import { hashFile } from './hash-file.ts';
import { HASH_PRIORITY, type HashOutcome, HashQueue } from './hash-queue.ts';
import { MemoryHashCache } from './memory-hash-cache.ts';
import type { FileFingerprint } from './ports.ts';

let folder = '';
let cache = new MemoryHashCache();
const queues: HashQueue[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hash-queue-'));
  cache = new MemoryHashCache();
});
afterEach(async () => {
  for (const queue of queues.splice(0)) await queue.close();
  await rm(folder, { recursive: true });
});

function openQueue(rateBytesPerSecond?: number): HashQueue {
  const queue = new HashQueue({ cache, ...(rateBytesPerSecond === undefined ? {} : { rateBytesPerSecond }) });
  queues.push(queue);
  return queue;
}

async function make(name: string, sizeBytes: number): Promise<FileFingerprint> {
  const path = join(folder, name);
  await using file = await open(path, 'w');
  await new SeededBytes(name).writeTo(file, sizeBytes);
  return await stateOf(path);
}

async function stateOf(path: string): Promise<FileFingerprint> {
  const state = await fingerprintFile(path);
  if (state === undefined) throw new Error('no file');
  return state;
}

function sha256Of(outcome: HashOutcome): string | undefined {
  return outcome.status === 'hashed' ? outcome.hashes.sha256 : undefined;
}

test.each([
  [0, 'nothing'],
  [1, 'one byte'],
  [MiB, 'one piece, one buffer'],
  [MiB + 1, 'a second piece of one byte'],
  [5 * MiB - 1, 'a last piece that is short'],
])('hashFile() of %d bytes (%s) equals hashing in memory', async (sizeBytes) => {
  const file = await make('f', sizeBytes);
  const bytes = await readFile(file.path);
  const layout = pieceLayout(sizeBytes);
  const pieces = Array.from({ length: layout.pieceCount }, (_, index) => {
    const { start, end } = pieceRange(layout, index);
    return new PieceHasher().update(bytes.subarray(start, end)).digest();
  });
  const hashes = await hashFile(file, async () => {});
  expect(hashes?.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(hashes?.pieceHashes.equals(Buffer.concat(pieces))).toBe(true);
});

test('hashFile() answers nothing for a file in another state', async () => {
  const file = await make('f', 1000);
  await utimes(file.path, 1, 1);
  expect(await hashFile(file, async () => {})).toBeUndefined();
});

test.each([
  ['grows', (path: string) => appendFile(path, 'more')],
  ['shrinks', (path: string) => writeFile(path, 'less')],
  [
    'is written over',
    async (path: string) => {
      await using file = await open(path, 'r+');
      await file.write('x', 0);
    },
  ],
  [
    'is replaced',
    async (path: string) => {
      await writeFile(`${path}.new`, await readFile(path));
      await rename(`${path}.new`, path);
    },
  ],
])('hashFile() answers nothing for a file that %s while it is read', async (_, change) => {
  const file = await make('f', 4 * MiB);
  let isChanged = false;
  const hashes = await hashFile(file, async () => {
    if (!isChanged) await change(file.path);
    isChanged = true;
  });
  expect(hashes).toBeUndefined();
});

test('HashQueue hashes in its thread and answers a second time from the cache, without reading', async () => {
  const queue = openQueue();
  const file = await make('f', 3 * MiB);
  const first = await queue.hash(file);
  expect(sha256Of(first)).toBe(
    createHash('sha256')
      .update(await readFile(file.path))
      .digest('hex'),
  );
  await rm(file.path);
  expect(await queue.hash(file)).toMatchObject({ status: 'hashed', fromCache: true });
});

test('HashQueue gives two askers of one state one job', async () => {
  const queue = openQueue();
  const file = await make('f', MiB);
  const [one, two] = [queue.hash(file), queue.hash(file)];
  expect(queue.size).toBe(1);
  expect(sha256Of(await one)).toBe(sha256Of(await two));
});

test('HashQueue answers changed, failed and not at all cached', async () => {
  const queue = openQueue();
  const file = await make('f', 1000);
  await appendFile(file.path, 'x');
  expect(await queue.hash(file)).toEqual({ status: 'changed' });
  await rm(file.path);
  expect(await queue.hash(file)).toMatchObject({ status: 'failed', code: 'ENOENT' });
  expect(cache.get(file)).toBeUndefined();
});

test('HashQueue lets an urgent job overtake the running one, which goes on afterwards', async () => {
  const queue = openQueue(2 * MiB);
  const slow = await make('slow', 4 * MiB);
  const done: string[] = [];
  const started = Promise.withResolvers<void>();
  queue.progress.on(() => started.resolve());
  const background = queue.hash(slow).then((outcome) => done.push(`slow ${outcome.status}`));
  await started.promise;
  const urgent = queue
    .hash(await make('urgent', MiB), HASH_PRIORITY.urgent)
    .then((outcome) => done.push(`urgent ${outcome.status}`));
  await Promise.all([background, urgent]);
  expect(done).toEqual(['urgent hashed', 'slow hashed']);
});

test('HashQueue raises a waiting job that is asked for urgently', async () => {
  const queue = openQueue();
  queue.pause();
  const done: string[] = [];
  const files = await Promise.all(['a', 'b', 'c'].map((name) => make(name, 1000)));
  const [a, b, c] = files as [FileFingerprint, FileFingerprint, FileFingerprint];
  const all = [a, b, c].map((file) => queue.hash(file).then(() => done.push(file.path.slice(-1))));
  void queue.hash(c, HASH_PRIORITY.urgent);
  queue.resume();
  await Promise.all(all);
  expect(done).toEqual(['c', 'a', 'b']);
});

test('HashQueue does nothing while paused and goes on when resumed', async () => {
  const queue = openQueue();
  queue.pause();
  const file = await make('f', MiB);
  const outcome = queue.hash(file);
  const other = openQueue();
  await other.hash(await make('g', MiB));
  expect(queue.size).toBe(1);
  queue.resume();
  expect((await outcome).status).toBe('hashed');
});

test('HashQueue cancels a waiting and a running job, and hashes the others', async () => {
  const queue = openQueue(MiB);
  const [one, two] = [await make('one', 8 * MiB), await make('two', 1000)];
  const started = Promise.withResolvers<void>();
  queue.progress.on(() => started.resolve());
  const outcomes = [queue.hash(one), queue.hash(two)];
  await started.promise;
  queue.cancel(one.path);
  expect((await Promise.all(outcomes)).map(({ status }) => status)).toEqual(['cancelled', 'hashed']);
  queue.pause();
  const waiting = queue.hash(await make('three', 10));
  queue.cancel(join(folder, 'three'));
  expect(await waiting).toEqual({ status: 'cancelled' });
});

test('HashQueue drops the job of an older state of the same file', async () => {
  const queue = openQueue();
  queue.pause();
  const before = await make('f', 1000);
  const old = queue.hash(before);
  await appendFile(before.path, 'x');
  const now = queue.hash(await stateOf(before.path));
  queue.resume();
  expect(await old).toEqual({ status: 'cancelled' });
  expect((await now).status).toBe('hashed');
});

test('HashQueue tells those who wait when it is closed', async () => {
  const queue = openQueue(MiB);
  const outcome = queue.hash(await make('f', 8 * MiB));
  await queue.close();
  expect(await outcome).toEqual({ status: 'cancelled' });
  expect(await queue.hash(await make('g', 1))).toEqual({ status: 'cancelled' });
});
