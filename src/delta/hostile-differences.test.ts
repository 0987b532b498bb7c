import { describe, expect, test } from 'vitest';
import { MiB } from '../core/index.ts';
import { vectorCases } from '../testkit/vectors.ts';
import { applyDifference } from './apply-difference.ts';
import { memorySource } from './byte-source.ts';
import { applied, sha256Of } from './differences.fixture.ts';
import { encodeHeader } from './header.ts';
import { END_OPERATION, encodeOperation, type Operation } from './operation.ts';
import { mostBaseBytes, mostOperations } from './operation-guard.ts';
import { compress, EFFORTS } from './zstd.ts';

interface GoodCase {
  readonly name: string;
  readonly base: string;
  readonly difference: string;
  readonly target: string;
}

interface BadCase {
  readonly name: string;
  readonly base: string;
  readonly difference: string;
  readonly code: string;
}

const bytesOf = (hex: string) => Buffer.from(hex, 'hex');

function operation(kind: Operation['kind'], fields: Partial<Operation>): Buffer {
  return encodeOperation({ ...END_OPERATION, kind, ...fields });
}

function headerOf(base: Buffer, target: Buffer): Buffer {
  return encodeHeader({
    base: { sizeBytes: base.length, sha256: sha256Of(base) },
    target: { sizeBytes: target.length, sha256: sha256Of(target) },
  });
}

describe('vectors/differences', () => {
  test.each(vectorCases<GoodCase>('differences', 'good.json'))('%s', async (_name, { base, difference, target }) => {
    expect((await applied(bytesOf(difference), bytesOf(base))).toString('hex')).toBe(target);
  });

  test.each(vectorCases<BadCase>('differences', 'bad.json'))('%s', async (_name, { base, difference, code }) => {
    await expect(applied(bytesOf(difference), bytesOf(base))).rejects.toMatchObject({ name: 'DeltaError', code });
  });
});

describe('a difference that wants to keep its reader busy', () => {
  const base = Buffer.alloc(4 * MiB, 'base');

  test('with more operations than a target of its size may have', async () => {
    const target = Buffer.alloc(2000, 'x');
    const most = mostOperations(target.length);
    const one = Buffer.concat([operation('raw', { targetBytes: 1, payloadBytes: 1 }), Buffer.from('x')]);
    const rest = Buffer.concat([
      operation('raw', { targetBytes: target.length - most + 1, payloadBytes: target.length - most + 1 }),
      target.subarray(most - 1),
    ]);
    const end = encodeOperation(END_OPERATION);
    const busy = Buffer.concat([headerOf(base, target), ...Array(most - 1).fill(one), rest, end]);
    expect((await applied(busy, base)).equals(target)).toBe(true);
    const busier = Buffer.concat([headerOf(base, target), ...Array(target.length).fill(one), end]);
    await expect(applied(busier, base)).rejects.toMatchObject({ code: 'bad_operation' });
  });

  test('with more of the base to read than a target of its size is worth', async () => {
    const [target, part] = [Buffer.alloc(1000), Buffer.alloc(50)];
    const frame = compress(part, EFFORTS.small);
    const fields = { targetBytes: part.length, baseBytes: 2 * MiB, payloadBytes: frame.length };
    const patches = Array(20).fill(Buffer.concat([operation('patch', fields), frame]));
    let readBytes = 0;
    const source = memorySource(base);
    const applying = applyDifference({
      difference: memorySource(Buffer.concat([headerOf(base, target), ...patches, encodeOperation(END_OPERATION)])),
      base: {
        sizeBytes: base.length,
        read: async (buffer, position) => {
          readBytes += buffer.length;
          return source.read(buffer, position);
        },
      },
      sink: { write: async () => {} },
    });
    await expect(applying).rejects.toMatchObject({ code: 'bad_operation' });
    expect(readBytes).toBeLessThanOrEqual(mostBaseBytes(target.length));
  });

  test('without an end', async () => {
    const target = Buffer.alloc(100);
    const one = Buffer.concat([operation('raw', { targetBytes: 1, payloadBytes: 1 }), Buffer.alloc(1)]);
    async function* endless() {
      yield headerOf(base, target);
      for (;;) yield one;
    }
    const applying = applyDifference({
      difference: endless(),
      base: memorySource(base),
      sink: { write: async () => {} },
    });
    await expect(applying).rejects.toMatchObject({ code: 'bad_operation' });
  });

  test('and its sender is told to stop at the first fault', async () => {
    let isStopped = false;
    async function* sender() {
      try {
        yield Buffer.from('this is an error page and no difference'.repeat(3));
        yield Buffer.alloc(MiB);
      } finally {
        isStopped = true;
      }
    }
    const sink = { write: async () => {} };
    const applying = applyDifference({ difference: sender(), base: memorySource(base), sink });
    await expect(applying).rejects.toMatchObject({ code: 'not_a_difference' });
    expect(isStopped).toBe(true);
  });
});
