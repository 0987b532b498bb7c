/** SHA-256 of a whole blob and the hashes of its pieces, in one pass in order. Spec: docs/spec/01-content.md §2, §3. */
import { createHash } from 'node:crypto';
import { PieceHasher, pieceLayout } from '../content/index.ts';

export interface ContentHashes {
  readonly sha256: string;
  /** 32 bytes a piece, in order. */
  readonly pieceHashes: Uint8Array;
}

export class ContentHasher {
  readonly #whole = createHash('sha256');
  readonly #pieceBytes: number;
  readonly #hashes: Buffer[] = [];
  #piece = new PieceHasher();
  #roomBytes: number;

  constructor(sizeBytes: number) {
    this.#pieceBytes = pieceLayout(sizeBytes).pieceBytes;
    this.#roomBytes = this.#pieceBytes;
  }

  update(bytes: Buffer): void {
    this.#whole.update(bytes);
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.#roomBytes);
      this.#piece.update(part);
      at += part.length;
      this.#roomBytes -= part.length;
      if (this.#roomBytes === 0) this.#endPiece();
    }
  }

  digest(): ContentHashes {
    if (this.#roomBytes < this.#pieceBytes) this.#endPiece();
    return { sha256: this.#whole.digest('hex'), pieceHashes: Buffer.concat(this.#hashes) };
  }

  #endPiece(): void {
    this.#hashes.push(this.#piece.digest());
    this.#piece = new PieceHasher();
    this.#roomBytes = this.#pieceBytes;
  }
}
