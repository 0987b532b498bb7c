import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { pieceLayout } from '../content/index.ts';
import { KiB, MiB, seededRandom } from '../core/index.ts';
import { applyDifference } from './apply-difference.ts';
import { memorySource } from './byte-source.ts';
import { readDifferenceHeader } from './difference-input.ts';
import { applied, differenceOf, ggufOf, safetensorsOf, sha256Of, type TestTensor } from './differences.fixture.ts';
import { makeDifference } from './make-difference.ts';

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** Bytes that look like something: noise, runs, and repetitions of both. */
const anyBytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.tuple(fc.nat(255), fc.nat(3000)).map(([of, n]) => Buffer.alloc(n, of)),
    ),
    {
      maxLength: 12,
    },
  )
  .map((parts) => Buffer.concat(parts));

const DTYPES = { BF16: 2, F16: 2, F32: 4, I8: 1 } as const;

const anyTensor = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'model.a'),
    dtype: fc.constantFrom(...(Object.keys(DTYPES) as (keyof typeof DTYPES)[])),
    rows: fc.nat(40),
    columns: fc.constantFrom(1, 7, 32),
    seed: fc.nat(5),
  })
  .map(({ name, dtype, rows, columns, seed }): TestTensor => {
    const random = seededRandom(seed);
    const data = Buffer.from(Array.from({ length: rows * columns * DTYPES[dtype] }, () => random.next() * 256));
    return { name, dtype, shape: [rows, columns], data };
  });

const anyTensors = fc.uniqueArray(anyTensor, { maxLength: 5, selector: ({ name }) => name });

/** A few elements of a few tensors are others. */
const anyTouch = fc.array(fc.tuple(fc.nat(4), fc.nat(4000), fc.nat(255)), { maxLength: 30 });

function touched(
  tensors: readonly TestTensor[],
  touches: readonly (readonly [number, number, number])[],
): TestTensor[] {
  const copies = tensors.map((tensor) => ({ ...tensor, data: Buffer.from(tensor.data) }));
  for (const [index, at, value] of touches) {
    const data = copies[index % Math.max(1, copies.length)]?.data;
    if (data !== undefined && data.length > 0) data[at % data.length] = value;
  }
  return copies;
}

describe('a difference, applied to its base, is the target', () => {
  test('of any two byte strings', async () => {
    await fc.assert(
      fc.asyncProperty(anyBytes, anyBytes, fc.boolean(), async (base, other, isMixed) => {
        const target = isMixed ? Buffer.concat([base.subarray(base.length >> 1), other, base]) : other;
        const { difference } = await differenceOf(base, target);
        expect((await applied(difference, base)).equals(target)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['safetensors', safetensorsOf],
    ['GGUF', ggufOf],
  ])(
    'of any two %s files, with tensors added, removed, reshaped, retyped, renamed, reordered',
    async (_name, fileOf) => {
      await fc.assert(
        fc.asyncProperty(anyTensors, anyTensors, anyTouch, fc.boolean(), async (first, second, touches, isReversed) => {
          const kept = touched(first, touches).filter(({ name }) => second.every((tensor) => tensor.name !== name));
          const tensors = [...kept, ...second];
          const [base, target] = [fileOf(first), fileOf(isReversed ? tensors.reverse() : tensors)];
          const { difference } = await differenceOf(base, target);
          expect((await applied(difference, base)).equals(target)).toBe(true);
        }),
        { numRuns: 60 },
      );
    },
  );

  test('of files large enough for threads, with everything in them that has a way of its own', async () => {
    const [base, target] = twoVersions();
    const { difference, made } = await differenceOf(base, target);
    expect((await applied(difference, base)).equals(target)).toBe(true);
    expect(made.sha256).toBe(sha256Of(difference));
    expect(made.sizeBytes).toBe(difference.length);
    expect(Object.keys(made.encodings).sort()).toEqual(['copy', 'grouped', 'patch', 'planes', 'raw', 'sparse', 'xor']);
  });

  test('of other files, where bytes are put in, taken out, and moved, at about the size of what is new', async () => {
    const base = randomBytes(6 * MiB);
    const news = randomBytes(20 * KiB);
    const target = Buffer.concat([
      base.subarray(4 * MiB),
      news,
      base.subarray(100, 2 * MiB + 7),
      base.subarray(2 * MiB + 500, 3 * MiB),
    ]);
    const { difference, made } = await differenceOf(base, target);
    expect((await applied(difference, base)).equals(target)).toBe(true);
    expect(made.sizeBytes).toBeLessThan(news.length + KiB);
  });
});

let versions: readonly [Buffer, Buffer] | undefined;

/** The same in every test. */
function twoVersions(): readonly [Buffer, Buffer] {
  versions ??= [manyWays(1), manyWays(2)];
  return versions;
}

/** Two versions of one model: `version` is 1 or 2. */
function manyWays(version: number): Buffer {
  const random = seededRandom(7);
  const weights = (count: number, change: number) => {
    const values = new Float32Array(count);
    for (let at = 0; at < count; at += 1) {
      values[at] = random.next() - random.next() + random.next() * 0.1;
      const noise = random.next() - 0.5;
      if (version === 2) values[at] = (values[at] ?? 0) + noise * change;
    }
    return values;
  };
  const bf16 = (values: Float32Array) => {
    const words = new Uint32Array(values.buffer);
    return Buffer.from(Uint16Array.from(words, (word) => word >>> 16).buffer);
  };
  const count = 768 * 1024;
  const same = bf16(weights(count, 0));
  const tuned = bf16(weights(count, 1e-3));
  const trained = bf16(weights(count, 50));
  const rare = bf16(weights(count, 0)).map((byte, at) => (version === 2 && at % 1000 === 0 ? byte ^ 1 : byte));
  const grown = Buffer.concat([
    randomLike(300_000, 3),
    Buffer.alloc(version === 2 ? 8192 : 0, 9),
    randomLike(900_000, 4),
  ]);
  const noise = randomLike(1_200_000, version);
  return safetensorsOf([
    { name: 'same', dtype: 'BF16', shape: [count], data: same },
    { name: 'tuned', dtype: 'BF16', shape: [count], data: tuned },
    { name: 'trained', dtype: 'BF16', shape: [count], data: trained },
    { name: 'rare', dtype: 'BF16', shape: [count], data: Buffer.from(rare) },
    { name: 'grown', dtype: 'U8', shape: [grown.length], data: grown },
    { name: 'noise', dtype: 'U8', shape: [noise.length], data: noise },
  ]);
}

function randomLike(byteCount: number, seed: number): Buffer {
  const random = seededRandom(100 + seed);
  return Buffer.from(Uint8Array.from({ length: byteCount }, () => random.next() * 256));
}

describe('makeDifference()', () => {
  test('says the same of the same blobs again, whatever the number of threads', async () => {
    const [base, target] = twoVersions();
    const digests = await Promise.all(
      [1, 3].map(async (threads) => {
        const made = await makeDifference({
          base: { sha256: sha256Of(base), bytes: memorySource(base) },
          target: { sha256: sha256Of(target), bytes: memorySource(target) },
          output: { write: async () => {} },
          threads,
        });
        return made.outcome === 'made' ? made.sha256 : made.outcome;
      }),
    );
    expect(digests[0]).toHaveLength(64);
    expect(digests[1]).toBe(digests[0]);
  });

  test('stops where a whole copy is better', async () => {
    const [base, target] = [randomBytes(MiB), randomBytes(MiB)];
    let written = 0;
    const made = await makeDifference({
      base: { sha256: sha256Of(base), bytes: memorySource(base) },
      target: { sha256: sha256Of(target), bytes: memorySource(target) },
      output: {
        write: async (bytes) => {
          written += bytes.length;
        },
      },
    });
    expect(made).toEqual({ outcome: 'not_worth_it', mostBytes: Math.floor(0.7 * MiB) });
    expect(written).toBeLessThanOrEqual(0.7 * MiB);
  });

  test('finds out that the target is not what its digest says', async () => {
    const bytes = randomBytes(KiB);
    const making = makeDifference({
      base: { sha256: sha256Of(bytes), bytes: memorySource(bytes) },
      target: { sha256: sha256Of(randomBytes(1)), bytes: memorySource(bytes) },
      output: { write: async () => {} },
    });
    await expect(making).rejects.toMatchObject({ code: 'source_changed' });
  });

  test('finds out that a source has become shorter', async () => {
    const bytes = randomBytes(KiB);
    const making = makeDifference({
      base: { sha256: sha256Of(bytes), bytes: { ...memorySource(bytes), sizeBytes: 2 * KiB } },
      target: { sha256: sha256Of(bytes), bytes: memorySource(bytes) },
      output: { write: async () => {} },
    });
    await expect(making).rejects.toMatchObject({ code: 'source_changed' });
  });

  test('stops at the signal, and passes on what its output throws', async () => {
    const [base, target] = twoVersions();
    const stop = new AbortController();
    const options = {
      base: { sha256: sha256Of(base), bytes: memorySource(base) },
      target: { sha256: sha256Of(target), bytes: memorySource(target) },
    };
    const output = { write: async () => stop.abort(new Error('enough')) };
    await expect(makeDifference({ ...options, output, signal: stop.signal })).rejects.toThrow('enough');
    const full = { write: () => Promise.reject(new Error('disk full')) };
    await expect(makeDifference({ ...options, output: full })).rejects.toThrow('disk full');
  });
});

describe('applyDifference()', () => {
  test('writes in order, tells the pieces, and takes a difference as it comes, in whatever chunks', async () => {
    const [base, target] = twoVersions();
    const { difference } = await differenceOf(base, target);
    async function* inChunks() {
      for (let at = 0; at < difference.length; at += 77_777) yield difference.subarray(at, at + 77_777);
    }
    const folder = await mkdtemp(join(tmpdir(), 'delta-'));
    folders.push(folder);
    await writeFile(join(folder, 'base'), base);
    await using baseFile = await open(join(folder, 'base'));
    await using out = await open(join(folder, 'out'), 'w+');
    let next = 0;
    const done: number[] = [];
    const { pieces, header } = await applyDifference({
      difference: inChunks(),
      base: {
        sizeBytes: base.length,
        read: async (buffer, position) => (await baseFile.read(buffer, 0, buffer.length, position)).bytesRead,
      },
      sink: {
        async write(bytes, position) {
          expect(position).toBe(next);
          next += bytes.length;
          await out.write(bytes, 0, bytes.length, position);
        },
      },
      expected: { baseSha256: sha256Of(base), target: { sizeBytes: target.length, sha256: sha256Of(target) } },
      onProgress: (doneBytes) => done.push(doneBytes),
    });
    expect((await out.readFile()).equals(target)).toBe(true);
    expect(pieces.layout).toEqual(pieceLayout(target.length));
    expect(pieces.hashes).toHaveLength(32 * pieces.layout.pieceCount);
    expect(header).toEqual(await readDifferenceHeader(memorySource(difference)));
    expect(done.at(-1)).toBe(target.length);
  });

  test('is not begun for another base or another target', async () => {
    const [base, target] = [randomBytes(KiB), randomBytes(KiB)];
    const { difference } = await differenceOf(base, target);
    const options = { difference: memorySource(difference), base: memorySource(base), sink: { write: refuseToWrite } };
    const other = sha256Of(randomBytes(1));
    await expect(applyDifference({ ...options, expected: { baseSha256: other } })).rejects.toMatchObject({
      code: 'wrong_base',
    });
    const expected = { target: { sizeBytes: KiB, sha256: other } };
    await expect(applyDifference({ ...options, expected })).rejects.toMatchObject({ code: 'bad_header' });
    const longer = { ...options, base: memorySource(randomBytes(KiB + 1)) };
    await expect(applyDifference(longer)).rejects.toMatchObject({ code: 'wrong_base' });
  });

  test('finds out that the base has other bytes than its maker had', async () => {
    const base = randomBytes(8 * MiB);
    const target = Buffer.concat([base, randomBytes(10)]);
    const { difference } = await differenceOf(base, target);
    base[5 * MiB] = (base[5 * MiB] ?? 0) ^ 1;
    await expect(applied(difference, base)).rejects.toMatchObject({ code: 'wrong_result' });
  });

  test('stops at the signal, and passes on what its sink throws', async () => {
    const [base, target] = twoVersions();
    const { difference } = await differenceOf(base, target);
    const options = { difference: memorySource(difference), base: memorySource(base) };
    const stop = new AbortController();
    const sink = { write: async () => stop.abort(new Error('enough')) };
    await expect(applyDifference({ ...options, sink, signal: stop.signal })).rejects.toThrow('enough');
    const full = { write: () => Promise.reject(new Error('disk full')) };
    await expect(applyDifference({ ...options, sink: full })).rejects.toThrow('disk full');
  });
});

async function refuseToWrite(): Promise<void> {
  throw new Error('nothing should be written');
}
