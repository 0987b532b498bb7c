import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { KiB, MiB, type Sha256, silentLogger } from '../../core/index.ts';
import type { DifferenceRepository, StoredDifference } from '../../registry/index.ts';
import { createMemoryBlobStore } from '../../store/index.ts';
import { testBlob } from '../../testkit/hostile-http-server.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { NODE_LIMITS } from '../limits.ts';
import { DifferenceShelf } from './difference-shelf.ts';

const digest = (text: string): Sha256 => createHash('sha256').update(text).digest('hex') as Sha256;

/** Rows as the database keeps them, in the order of their last use. */
function memoryRows(): DifferenceRepository {
  const rows = new Map<string, StoredDifference>();
  const keyOf = (base: string, target: string) => `${base} ${target}`;
  return {
    put: (row) => void rows.set(keyOf(row.base, row.target), row),
    get: (base, target) => rows.get(keyOf(base, target)),
    to: (target) => [...rows.values()].filter((row) => row.target === target),
    list: () => [...rows.values()].sort((a, b) => a.usedAtMs - b.usedAtMs),
    touch(base, target, usedAtMs) {
      const row = rows.get(keyOf(base, target));
      if (row !== undefined) rows.set(keyOf(base, target), { ...row, usedAtMs });
    },
    delete: (base, target) => rows.delete(keyOf(base, target)),
  };
}

const store = { current: createMemoryBlobStore() };
const clock = new VirtualClock();
let rows: DifferenceRepository;
let lists: Map<Sha256, { sizeBytes: number; pieceRoot: never; hashes: Buffer }>;
/** A tenth of it is for differences. */
let freeBytes: number;

beforeEach(() => {
  store.current = createMemoryBlobStore();
  rows = memoryRows();
  lists = new Map();
  freeBytes = 10 * MiB;
});

async function openShelf(): Promise<DifferenceShelf> {
  const pieceLists = {
    get: (sha256: Sha256) => lists.get(sha256),
    delete: (sha256: Sha256) => void lists.delete(sha256),
  };
  const free = async () => freeBytes;
  const shelf = new DifferenceShelf({
    ...{ rows, pieceLists, store: store.current, freeBytes: free, clock, logger: silentLogger },
  });
  await shelf.open();
  return shelf;
}

/** A difference whose blob is in the store. */
async function made(name: string, sizeBytes = 100 * KiB) {
  const { content, pieces, blob } = testBlob(randomBytes(sizeBytes));
  await store.current.put(blob.sha256, content);
  lists.set(blob.sha256, { sizeBytes, pieceRoot: blob.pieceRoot as never, hashes: pieces });
  const ends = { base: digest(`${name} base`), target: digest(name) };
  return { ...ends, sha256: blob.sha256, sizeBytes, baseModels: ['org/a'], targetModels: ['org/a'] };
}

const digestsOf = (shelf: DifferenceShelf) => shelf.list().map(({ sha256 }) => sha256);

describe('DifferenceShelf', () => {
  it('keeps a difference over a restart, with its use and its pieces', async () => {
    const one = await made('one');
    expect(await (await openShelf()).keep(one)).toBe(true);
    const shelf = await openShelf();
    expect(shelf.find(one.sha256)).toMatchObject(one);
    expect(shelf.linkOf(shelf.list()[0] as StoredDifference)).toMatchObject({ sha256: one.sha256, base: one.base });
    await store.current.collect();
    expect(await store.current.stat(one.sha256)).toBeDefined();
  });

  it('forgets at the start what has no blob', async () => {
    const one = await made('one');
    await (await openShelf()).keep(one);
    store.current = createMemoryBlobStore();
    expect((await openShelf()).list()).toEqual([]);
    expect(rows.list()).toEqual([]);
  });

  it('lets what was unused for longest go when it is full, blob, pieces and all', async () => {
    const shelf = await openShelf();
    const all = [await made('a', 400 * KiB), await made('b', 400 * KiB), await made('c', 400 * KiB)] as const;
    let changes = 0;
    shelf.changes.on(() => {
      changes += 1;
    });
    await shelf.keep(all[0]);
    await clock.advance(1);
    await shelf.keep(all[1]);
    await clock.advance(NODE_LIMITS.differenceUseEveryMs);
    shelf.noteUse(all[0].sha256);
    await shelf.keep(all[2]);
    expect(digestsOf(shelf).toSorted()).toEqual([all[0].sha256, all[2].sha256].toSorted());
    expect([await store.current.stat(all[1].sha256), lists.has(all[1].sha256)]).toEqual([undefined, false]);
    expect(changes).toBe(4);
  });

  it('keeps none that is larger than its share', async () => {
    const shelf = await openShelf();
    const large = await made('large', 2 * MiB);
    expect(await shelf.keep(large)).toBe(false);
    expect(shelf.list()).toEqual([]);
  });

  it('discards what it does not keep, and what is wrong', async () => {
    const shelf = await openShelf();
    const [kept, loose] = [await made('kept'), await made('loose')];
    await shelf.keep(kept);
    await shelf.discard(kept.sha256);
    await shelf.discard(loose.sha256);
    expect([await store.current.stat(kept.sha256), await store.current.stat(loose.sha256)]).toEqual([
      ...[expect.anything(), undefined],
    ]);
    await shelf.discard(kept.sha256, true);
    expect([shelf.list(), await store.current.stat(kept.sha256)]).toEqual([[], undefined]);
  });

  it('leaves one that is being applied, and it is collected after', async () => {
    const shelf = await openShelf();
    const one = await made('one');
    await shelf.keep(one);
    const hold = store.current.hold(one.sha256);
    await shelf.discard(one.sha256, true);
    expect(await store.current.stat(one.sha256)).toBeDefined();
    hold[Symbol.dispose]();
    await store.current.collect();
    expect(await store.current.stat(one.sha256)).toBeUndefined();
  });
});
