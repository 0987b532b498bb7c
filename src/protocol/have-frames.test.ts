import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import { encodeHaveFrame, type HaveFrame, HaveFrameDecoder } from './have-frames.ts';

interface Case {
  readonly name: string;
  readonly pieces: number;
  readonly bytes: string;
  readonly frames?: readonly object[];
  readonly whole?: boolean;
  readonly error?: string;
}

function heldOf(bits: Uint8Array): number[] {
  return Array.from({ length: bits.length * 8 }, (_, index) => index).filter(
    (index) => ((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0,
  );
}

const toPlain = (frame: HaveFrame): object =>
  frame.type === 'holds' ? { type: 'holds', held: heldOf(frame.bits) } : frame;

describe('HaveFrameDecoder', () => {
  test.each(vectorCases<Case>('have'))('%s', (_name, { pieces, bytes, frames, whole = true, error }) => {
    const decoder = new HaveFrameDecoder(pieces);
    const read = (): object[] => [...decoder.push(Buffer.from(bytes, 'hex'))].map(toPlain);
    if (error !== undefined) {
      expect(read).toThrow(expect.objectContaining({ code: error }));
      return;
    }
    expect(read()).toEqual(frames);
    expect(decoder.isWhole).toBe(whole);
  });

  it('reads what was encoded, however it is cut on the way', () => {
    const index = fc.integer({ min: 0, max: 99 });
    const change = fc.oneof(
      fc.record({ type: fc.constant('gained' as const), indexes: fc.array(index, { minLength: 1 }) }),
      fc.record({ type: fc.constant('sent' as const), indexes: fc.array(index, { minLength: 1 }) }),
      fc.record({ type: fc.constant('others' as const), count: fc.nat() }),
      fc.constant({ type: 'alive' as const }),
    );
    fc.assert(
      fc.property(fc.array(change), fc.integer({ min: 1, max: 40 }), (changes, step) => {
        const frames: HaveFrame[] = [{ type: 'holds_all' }, ...changes];
        const bytes = Buffer.concat(frames.map(encodeHaveFrame));
        const decoder = new HaveFrameDecoder(100);
        const read: HaveFrame[] = [];
        for (let at = 0; at < bytes.length; at += step) read.push(...decoder.push(bytes.subarray(at, at + step)));
        expect(read).toEqual(frames);
        expect(decoder.isWhole).toBe(true);
      }),
    );
  });

  it('encodeHaveFrame() splits a list that no frame holds', () => {
    const indexes = Array.from({ length: 65_536 }, (_, at) => at);
    const decoder = new HaveFrameDecoder(indexes.length);
    const bytes = Buffer.concat([encodeHaveFrame({ type: 'holds_all' }), encodeHaveFrame({ type: 'sent', indexes })]);
    const read = [...decoder.push(bytes)].slice(1);
    expect(read.length).toBe(16);
    expect(read.flatMap((frame) => (frame.type === 'sent' ? frame.indexes : []))).toEqual(indexes);
  });
});
