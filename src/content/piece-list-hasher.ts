/** The list of a blob's pieces from its bytes, as they pass or at once. Pure. Spec: docs/spec/01-content.md §2, §3. */
import { PieceHasher } from './piece-hash.ts';
import { pieceLayout } from './piece-layout.ts';
import { type PieceList, toPieceList } from './piece-list.ts';

export class PieceListHasher {
  readonly #sizeBytes: number;
  readonly #pieceBytes: number;
  // Grows with the bytes that came: a size may be a peer's word, and is not what memory is taken by.
  readonly #hashes: Buffer[] = [];
  #piece = new PieceHasher();
  #filledBytes = 0;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#pieceBytes = pieceLayout(sizeBytes).pieceBytes;
  }

  /** In order, in parts of any length. */
  update(bytes: Buffer): this {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.#pieceBytes - this.#filledBytes);
      this.#piece.update(part);
      at += part.length;
      this.#filledBytes += part.length;
      if (this.#filledBytes === this.#pieceBytes) this.#endPiece();
    }
    return this;
  }

  /** Ends this hasher. */
  digest(): PieceList {
    if (this.#filledBytes > 0) this.#endPiece();
    return toPieceList(this.#sizeBytes, Buffer.concat(this.#hashes));
  }

  #endPiece(): void {
    this.#hashes.push(this.#piece.digest());
    this.#piece = new PieceHasher();
    this.#filledBytes = 0;
  }
}

/** Of bytes that are in memory. */
export function pieceListOf(bytes: Buffer): PieceList {
  return new PieceListHasher(bytes.length).update(bytes).digest();
}
