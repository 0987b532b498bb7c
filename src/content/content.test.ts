import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PieceRoot } from '../core/index.ts';
import { vectorCases } from '../testkit/vectors.ts';
import { Bitfield } from './bitfield.ts';
import { PIECE_HASH_BYTES, PieceHasher } from './piece-hash.ts';
import { pieceLayout, pieceRange } from './piece-layout.ts';
import { toPieceList, verifyPieceList } from './piece-list.ts';

interface LayoutCase {
  readonly name: string;
  readonly size_bytes: number;
  readonly piece_bytes: number;
  readonly piece_count: number;
}

interface PieceListCase {
  readonly name: string;
  readonly size_bytes: number;
  readonly piece_hashes: string;
  readonly piece_root: PieceRoot;
  readonly valid: boolean;
}

describe('pieceLayout()', () => {
  test.each(vectorCases<LayoutCase>('content', 'layout.json'))(
    '%s',
    (_name, { size_bytes, piece_bytes, piece_count }) => {
      expect(pieceLayout(size_bytes)).toEqual({
        sizeBytes: size_bytes,
        pieceBytes: piece_bytes,
        pieceCount: piece_count,
      });
    },
  );

  test('its pieces cover every blob once, without gap or overlap', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 * 2 ** 30 }), (sizeBytes) => {
        const layout = pieceLayout(sizeBytes);
        const last = pieceRange(layout, layout.pieceCount - 1);
        expect(last.end).toBe(sizeBytes);
        expect(last.end - last.start).toBeGreaterThan(0);
        expect(last.start).toBe((layout.pieceCount - 1) * layout.pieceBytes);
      }),
    );
  });
});

describe('verifyPieceList()', () => {
  test.each(vectorCases<PieceListCase>('content', 'piece-lists.json'))('%s', (_name, one) => {
    const hashes = Buffer.from(one.piece_hashes, 'hex');
    if (one.valid) expect(verifyPieceList(one.size_bytes, hashes, one.piece_root).hashes).toEqual(hashes);
    else
      expect(() => verifyPieceList(one.size_bytes, hashes, one.piece_root)).toThrowError(
        expect.objectContaining({ code: 'bad_piece_list' }),
      );
  });

  test.each(vectorCases<PieceListCase>('content', 'piece-lists.json').filter(([, one]) => one.valid))(
    'hashing the content gives the list: %s',
    (_name, { size_bytes, piece_hashes, piece_root }) => {
      const content = Buffer.alloc(size_bytes);
      for (let index = 0; index < size_bytes; index += 1) content[index] = index % 251;
      const layout = pieceLayout(size_bytes);
      const hashes = Array.from({ length: layout.pieceCount }, (_, index) => {
        const { start, end } = pieceRange(layout, index);
        return new PieceHasher().update(content.subarray(start, end)).digest();
      });
      const list = toPieceList(size_bytes, Buffer.concat(hashes));
      expect([list.hashes.toString('hex'), list.root]).toEqual([piece_hashes, piece_root]);
      expect(list.hashes.length).toBe(layout.pieceCount * PIECE_HASH_BYTES);
    },
  );
});

describe('Bitfield', () => {
  test('travels as bytes and comes back, whatever was added', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.array(fc.nat(320)), (length, added) => {
        const field = new Bitfield(length);
        for (const index of added) field.add(index);
        const model = new Set(added.filter((index) => index < length));
        expect(field.count).toBe(model.size);
        const copy = new Bitfield(length, field.toBytes());
        for (let index = 0; index < length; index += 1) expect(copy.has(index)).toBe(model.has(index));
      }),
    );
  });

  test('puts piece 0 in the highest bit and ignores spare bits', () => {
    const field = new Bitfield(9);
    field.add(0);
    expect([...field.toBytes()]).toEqual([0x80, 0]);
    expect(new Bitfield(9, Uint8Array.of(0xff, 0xff)).count).toBe(9);
  });
});
