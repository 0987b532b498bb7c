/** SHA-256 of a whole blob and the hashes of its pieces, in one pass in order. Spec: docs/spec/01-content.md §2, §3. */
import { createHash } from 'node:crypto';
import { PieceListHasher } from '../content/index.ts';

export interface ContentHashes {
  readonly sha256: string;
  /** 32 bytes a piece, in order. */
  readonly pieceHashes: Uint8Array;
}

export class ContentHasher {
  readonly #whole = createHash('sha256');
  readonly #pieces: PieceListHasher;

  constructor(sizeBytes: number) {
    this.#pieces = new PieceListHasher(sizeBytes);
  }

  update(bytes: Buffer): void {
    this.#whole.update(bytes);
    this.#pieces.update(bytes);
  }

  digest(): ContentHashes {
    return { sha256: this.#whole.digest('hex'), pieceHashes: this.#pieces.digest().hashes };
  }
}
