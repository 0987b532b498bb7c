/** What names a file's bytes: its digest and its pieces. In one pass, a MiB at a time. Spec: docs/spec/01-content.md. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { type PieceList, PieceListHasher } from '../../content/index.ts';
import { MiB, parseSha256, type Sha256 } from '../../core/index.ts';

export interface NamedBytes {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly pieces: PieceList;
}

export async function hashFile(file: FileHandle, signal: AbortSignal): Promise<NamedBytes> {
  const { size: sizeBytes } = await file.stat();
  const whole = createHash('sha256');
  const pieces = new PieceListHasher(sizeBytes);
  const block = Buffer.alloc(Math.min(MiB, sizeBytes));
  for (let position = 0; position < sizeBytes; ) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(block, 0, Math.min(block.length, sizeBytes - position), position);
    if (bytesRead === 0) throw new Error(`Reading a difference again: it ends at ${position} of ${sizeBytes} bytes`);
    const bytes = block.subarray(0, bytesRead);
    whole.update(bytes);
    pieces.update(bytes);
    position += bytesRead;
  }
  return { sha256: parseSha256(whole.digest('hex')), sizeBytes, pieces: pieces.digest() };
}
