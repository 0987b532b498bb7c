import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PieceHasher } from './piece-hash.ts';
import { pieceLayout, pieceRange } from './piece-layout.ts';
import { toPieceList } from './piece-list.ts';
import { PieceListHasher, pieceListOf } from './piece-list-hasher.ts';

const MiB = 2 ** 20;
const BYTES = Buffer.alloc(2 * MiB + 5);
BYTES.forEach((_, at) => {
  BYTES[at] = (at * 31 + (at >> 16)) & 255;
});

/** As the spec has it: each piece by itself. */
function pieceByPiece(bytes: Buffer) {
  const layout = pieceLayout(bytes.length);
  const hashes = Array.from({ length: layout.pieceCount }, (_, index) => {
    const { start, end } = pieceRange(layout, index);
    return new PieceHasher().update(bytes.subarray(start, end)).digest();
  });
  return toPieceList(bytes.length, Buffer.concat(hashes));
}

describe('PieceListHasher', () => {
  test('it makes the same list however the bytes are cut', () => {
    const wanted = pieceByPiece(BYTES);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: BYTES.length }), { maxLength: 5 }), (cuts) => {
        const ends = [...cuts, BYTES.length].sort((a, b) => a - b);
        const hasher = new PieceListHasher(BYTES.length);
        ends.forEach((end, index) => {
          hasher.update(BYTES.subarray(ends[index - 1] ?? 0, end));
        });
        expect(hasher.digest()).toEqual(wanted);
      }),
      { numRuns: 20 },
    );
  });

  test.each([0, 1, MiB - 1, MiB, MiB + 1, 2 * MiB])('it ends %i bytes with their last piece', (sizeBytes) => {
    const bytes = BYTES.subarray(0, sizeBytes);
    expect(pieceListOf(bytes)).toEqual(pieceByPiece(bytes));
  });
});
