// biome-ignore-all lint/complexity/noExcessiveLinesPerFunction: a suite of tests, as in *.test.ts
/** What every blob store must do for those who read a part that somebody writes. Spec: docs/spec/06-store.md §8. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { indexesOf, PIECE_BYTES as PIECE, specOf, writePieces } from './blobs.fixture.ts';
import type { BlobStore, PartReader } from './ports.ts';

async function opened(opening: Promise<PartReader | undefined>): Promise<PartReader> {
  const reader = await opening;
  if (reader === undefined) throw new Error('nobody writes');
  return reader;
}

/** `storeOf`: an empty store a test. */
export function describeOpenParts(storeOf: () => BlobStore): void {
  const bytes = randomBytes(3 * PIECE + 17);
  const spec = specOf(bytes);

  describe('reading along with a writer', () => {
    const piece = Buffer.alloc(PIECE);
    const pieceAt = (index: number): Buffer => bytes.subarray(index * PIECE, (index + 1) * PIECE);

    it('openPart() reads what an earlier writer left, until the next one comes', async () => {
      expect(await storeOf().openPart(spec.sha256)).toBeUndefined();
      const writer = await storeOf().openWrite(spec);
      await writePieces(writer, bytes, [1]);
      await writer.close();
      await using reader = await opened(storeOf().openPart(spec.sha256));
      await using second = await opened(storeOf().openPart(spec.sha256));
      expect([reader.spec, indexesOf(reader.heldPieces()), reader.state]).toEqual([spec, [1], 'growing']);
      expect(await reader.read(piece, PIECE)).toBe(PIECE);
      expect(piece.equals(pieceAt(1))).toBe(true);
      await expect(reader.read(piece, 0)).rejects.toMatchObject({ code: 'not_held_yet' });
      const told = new Promise<void>((resolve) => reader.onChange(resolve));
      const next = await storeOf().openWrite(spec);
      await told;
      expect([reader.state, second.state]).toEqual(['ended', 'ended']);
      await expect(reader.read(piece, PIECE)).rejects.toMatchObject({ code: 'store_closed' });
      await next.discard();
      expect(await storeOf().openPart(spec.sha256)).toBeUndefined();
    });

    it('discardPart() ends those who read it', async () => {
      const writer = await storeOf().openWrite(spec);
      await writePieces(writer, bytes, [1]);
      await writer.close();
      await using reader = await opened(storeOf().openPart(spec.sha256));
      await storeOf().discardPart(spec.sha256);
      await expect(reader.read(piece, PIECE)).rejects.toMatchObject({ code: 'store_closed' });
    });

    it('a reader gets committed pieces and tells of each, and nothing of the others', async () => {
      const writer = await storeOf().openWrite(spec);
      await using reader = await opened(storeOf().openPart(spec.sha256));
      const told: number[][] = [];
      reader.onChange(() => told.push(indexesOf(reader.heldPieces())));
      await writer.write(pieceAt(2), 2 * PIECE);
      await expect(reader.read(piece, 2 * PIECE)).rejects.toMatchObject({ code: 'not_held_yet' });
      expect(reader.holds(2 * PIECE, 3 * PIECE)).toBe(false);
      writer.commitPiece(2);
      expect(reader.holds(2 * PIECE, 3 * PIECE)).toBe(true);
      expect(reader.holds(2 * PIECE - 1, 3 * PIECE)).toBe(false);
      expect(await reader.read(piece, 2 * PIECE)).toBe(PIECE);
      expect(piece.equals(pieceAt(2))).toBe(true);
      await expect(reader.read(piece, 2 * PIECE + 1)).rejects.toMatchObject({ code: 'not_held_yet' });
      await writePieces(writer, bytes, [3]);
      expect(await reader.read(piece, 3 * PIECE)).toBe(17);
      writer.revokePiece(2);
      await expect(reader.read(piece, 2 * PIECE)).rejects.toMatchObject({ code: 'not_held_yet' });
      expect(told).toEqual([[2], [2, 3], [3]]);
      for (const position of [-1, 0.5, bytes.length + 1])
        await expect(reader.read(piece, position)).rejects.toMatchObject({ code: 'out_of_range' });
    });

    it('what a piece held before it was revoked is not passed on by a read under way', async () => {
      const writer = await storeOf().openWrite(spec);
      await writePieces(writer, bytes, [0]);
      await using reader = await opened(storeOf().openPart(spec.sha256));
      const reading = reader.read(piece, 0);
      writer.revokePiece(0);
      await expect(reading).rejects.toMatchObject({ code: 'not_held_yet' });
    });

    it('a reader goes on when the blob gets its name, and over its removal', async () => {
      const writer = await storeOf().openWrite(spec);
      await using reader = await opened(storeOf().openPart(spec.sha256));
      await writePieces(writer, bytes, [0, 1, 2, 3]);
      const states: string[] = [];
      reader.onChange(() => states.push(reader.state));
      await writer.finish();
      expect([reader.state, states, indexesOf(reader.heldPieces())]).toEqual(['whole', ['whole'], [0, 1, 2, 3]]);
      expect(await storeOf().openPart(spec.sha256)).toBeUndefined();
      await storeOf().remove(spec.sha256);
      expect(await reader.read(piece, PIECE)).toBe(PIECE);
      expect(piece.equals(pieceAt(1))).toBe(true);
    });

    it('at every moment of finish() the blob can be read one way or the other', async () => {
      const writer = await storeOf().openWrite(spec);
      await writePieces(writer, bytes, [0, 1, 2, 3]);
      let isDone = false;
      const finishing = writer.finish().then(() => {
        isDone = true;
      });
      while (!isDone) {
        await using reader = (await storeOf().openPart(spec.sha256)) ?? (await storeOf().openRead(spec.sha256));
        expect(await reader.read(piece, PIECE)).toBe(PIECE);
      }
      await finishing;
    });

    it.each(['close', 'discard'] as const)('%s() of the writer ends its readers', async (end) => {
      const writer = await storeOf().openWrite(spec);
      await writePieces(writer, bytes, [0]);
      await using reader = await opened(storeOf().openPart(spec.sha256));
      const told = new Promise<void>((resolve) => reader.onChange(resolve));
      await writer[end]();
      await told;
      expect([reader.state, reader.holds(0, 1)]).toEqual(['ended', false]);
      await expect(reader.read(piece, 0)).rejects.toMatchObject({ code: 'store_closed' });
    });

    it('a closed reader refuses, and its close() waits for reads under way', async () => {
      const writer = await storeOf().openWrite(spec);
      await writePieces(writer, bytes, [0]);
      const reader = await opened(storeOf().openPart(spec.sha256));
      const reading = reader.read(piece, 0).catch((thrown: { code: string }) => thrown.code);
      await reader.close();
      expect(await Promise.race([reading, 'still reading'])).toBe('store_closed');
      await expect(reader.read(piece, 0)).rejects.toMatchObject({ code: 'store_closed' });
    });
  });
}
