/** Checks pieces that a journal claims but a power cut may have lost. Spec: docs/spec/10-transfer.md §6. */
import { PieceHasher, type PieceList, pieceHashAt, pieceRange } from '../content/index.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import { readFully } from './ordered-digest.ts';
import type { PieceSink } from './ports.ts';

/** Reports each index, in order; takes back what is wrong. Beside the download: other pieces come meanwhile. */
export async function checkHeldPieces(
  list: PieceList,
  sink: PieceSink,
  held: readonly number[],
  report: (index: number, isRight: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(2 * TRANSFER_LIMITS.blockBytes);
  for (const index of held) {
    if (signal.aborted) return;
    const isRight = (await hashOf(list, sink, index, buffer)).equals(pieceHashAt(list, index));
    if (signal.aborted) return;
    if (isRight) sink.commitPiece(index);
    else sink.revokePiece(index);
    report(index, isRight);
  }
}

/** A part that is shorter than its journal says has no such piece: an empty hash. */
async function hashOf(list: PieceList, sink: PieceSink, index: number, buffer: Buffer): Promise<Buffer> {
  const hasher = new PieceHasher();
  const { start, end } = pieceRange(list.layout, index);
  for (let position = start; position < end; position += buffer.length) {
    const bytes = buffer.subarray(0, Math.min(buffer.length, end - position));
    const isThere = await readFully(sink, bytes, position).then(
      () => true,
      () => false,
    );
    if (!isThere) return Buffer.alloc(0);
    hasher.update(bytes);
  }
  return hasher.digest();
}
