/** What names a file's bytes: its digest and its pieces. In one pass, a MiB at a time. Spec: docs/spec/01-content.md. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { PieceHasher, type PieceList, pieceLayout, toPieceList } from '../../content/index.ts';
import { MiB, parseSha256, type Sha256 } from '../../core/index.ts';

export interface NamedBytes {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly pieces: PieceList;
}

export async function hashFile(file: FileHandle, signal: AbortSignal): Promise<NamedBytes> {
  const { size: sizeBytes } = await file.stat();
  const { pieceBytes } = pieceLayout(sizeBytes);
  const whole = createHash('sha256');
  const hashes: Buffer[] = [];
  const block = Buffer.alloc(Math.min(MiB, sizeBytes));
  let piece = new PieceHasher();
  for (let position = 0; position < sizeBytes; ) {
    signal.throwIfAborted();
    // A piece is a whole number of MiB, but for the last.
    const { bytesRead } = await file.read(block, 0, Math.min(block.length, MiB - (position % MiB)), position);
    if (bytesRead === 0) throw new Error(`Reading a difference again: it ends at ${position} of ${sizeBytes} bytes`);
    const bytes = block.subarray(0, bytesRead);
    whole.update(bytes);
    piece.update(bytes);
    position += bytesRead;
    if (position % pieceBytes !== 0 && position !== sizeBytes) continue;
    hashes.push(piece.digest());
    piece = new PieceHasher();
  }
  const pieces = toPieceList(sizeBytes, Buffer.concat(hashes));
  return { sha256: parseSha256(whole.digest('hex')), sizeBytes, pieces };
}
