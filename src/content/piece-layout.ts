/** How a blob is cut in pieces: a function of its size alone, so that everyone cuts alike. Spec: 01-content.md §2. */
import { CONTENT_LIMITS } from './limits.ts';

export interface PieceLayout {
  readonly sizeBytes: number;
  readonly pieceBytes: number;
  readonly pieceCount: number;
}

export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/** Pieces of 1, 2, 4, 8 or 16 MiB: the smallest that makes at most 2,048, else 16 MiB. */
export function pieceLayout(sizeBytes: number): PieceLayout {
  let pieceBytes: number = CONTENT_LIMITS.minPieceBytes;
  while (pieceBytes < CONTENT_LIMITS.maxPieceBytes && sizeBytes / pieceBytes > CONTENT_LIMITS.preferredPieces) {
    pieceBytes *= 2;
  }
  return { sizeBytes, pieceBytes, pieceCount: Math.ceil(sizeBytes / pieceBytes) };
}

export function pieceRange(layout: PieceLayout, index: number): ByteRange {
  const start = index * layout.pieceBytes;
  return { start, end: Math.min(start + layout.pieceBytes, layout.sizeBytes) };
}
