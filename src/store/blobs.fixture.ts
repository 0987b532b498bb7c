/** Blobs for the tests of stores: their specs, and their pieces written and read back. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { PieceRoot, Sha256 } from '../core/index.ts';
import type { BlobSpec, BlobWriter, FileState } from './ports.ts';

export const PIECE_BYTES = 64 * 1024;

export function sha256Of(bytes: Uint8Array): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}

export function specOf(bytes: Uint8Array, pieceBytes = PIECE_BYTES): BlobSpec {
  const pieceRoot = 'ab'.repeat(32) as PieceRoot;
  return { sha256: sha256Of(bytes), sizeBytes: bytes.length, pieceBytes, pieceRoot };
}

export async function writePieces(writer: BlobWriter, bytes: Buffer, pieces: readonly number[]): Promise<void> {
  const { pieceBytes } = writer.spec;
  for (const index of pieces) {
    await writer.write(bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes), index * pieceBytes);
    writer.commitPiece(index);
  }
}

export async function stateOf(path: string): Promise<FileState> {
  const { size, mtimeNs, ino, dev } = await stat(path, { bigint: true });
  return { sizeBytes: Number(size), mtimeNs, inode: ino, device: dev };
}

export function heldOf(writer: BlobWriter): number[] {
  return indexesOf(writer.heldPieces);
}

export function indexesOf(bits: Uint8Array): number[] {
  return Array.from({ length: bits.length * 8 }, (_, index) => index).filter(
    (index) => ((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0,
  );
}
