import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import {
  type BlobStreamHead,
  encodeBlobStreamFrame,
  parseBlobStreamHead,
  parseBlobStreamRequest,
  SmallFrame,
} from './blob-stream.ts';

interface Case {
  readonly name: string;
  readonly value: unknown;
  readonly valid: boolean;
}

describe('messages of a blob stream', () => {
  test.each(vectorCases<Case>('blob-stream', 'requests.json'))('%s', (_name, { value, valid }) => {
    if (valid) expect(parseBlobStreamRequest(value)).toEqual(value);
    else expect(() => parseBlobStreamRequest(value)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  test.each(vectorCases<Case>('blob-stream', 'answers.json'))('%s', (_name, { value, valid }) => {
    if (valid) expect(value).toMatchObject(parseBlobStreamHead(value));
    else expect(() => parseBlobStreamHead(value)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });
});

describe('SmallFrame', () => {
  test('finds frames among raw bytes, however both are cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 });
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (parts, cuts) => {
        const heads = parts.map(({ length }): BlobStreamHead => ({ size: 99, length }));
        const wire = Buffer.concat(heads.flatMap((head, i) => [encodeBlobStreamFrame(head), parts[i] ?? Buffer.of()]));
        expect(readAll(wire, cuts)).toEqual(heads.map((head, i) => ({ head, body: Buffer.from(parts[i] ?? []) })));
      }),
    );
  });

  test('refuses a length above the limit before the bytes come, and what is not JSON', () => {
    expect(() => new SmallFrame().push(Buffer.from([0, 0, 4, 1]))).toThrow(
      expect.objectContaining({ code: 'too_large' }),
    );
    expect(() => new SmallFrame().push(Buffer.from([0, 0, 0, 1, 0x7b]))).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });
});

function readAll(wire: Buffer, cuts: readonly number[]): { head: unknown; body: Buffer }[] {
  const frame = new SmallFrame();
  const read: { head: unknown; body: Buffer }[] = [];
  let left = 0;
  for (let at = 0, turn = 0; at < wire.length; turn += 1) {
    let chunk = wire.subarray(at, at + (cuts[turn % cuts.length] ?? 1));
    at += chunk.length;
    while (chunk.length > 0) {
      const last = read.at(-1);
      if (left > 0 && last !== undefined) {
        const body = chunk.subarray(0, left);
        last.body = Buffer.concat([last.body, body]);
        left -= body.length;
        chunk = chunk.subarray(body.length);
        continue;
      }
      const { used, value } = frame.push(chunk);
      chunk = chunk.subarray(used);
      if (value === undefined) continue;
      left = (value as { length: number }).length;
      read.push({ head: value, body: Buffer.alloc(0) });
    }
  }
  return read;
}
