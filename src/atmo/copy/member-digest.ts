/** What is computed of a file's bytes as they pass: SHA-256, CRC-32 and, where wanted, the root of its pieces. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { PieceListHasher } from '../../content/index.ts';
import type { PieceRoot, Sha256 } from '../../core/index.ts';

export interface DigestWish {
  readonly sizeBytes: number;
  readonly wantsPieceRoot?: boolean;
}

export interface MemberDigests {
  readonly sha256: Sha256;
  readonly crc: number;
  readonly pieceRoot?: PieceRoot;
  /** The list under that root: 32 bytes a piece. */
  readonly pieceHashes?: Uint8Array;
}

export class MemberDigest {
  readonly #whole = createHash('sha256');
  readonly #pieces: PieceListHasher | undefined;
  #crc = 0;

  constructor({ sizeBytes, wantsPieceRoot = false }: DigestWish) {
    this.#pieces = wantsPieceRoot ? new PieceListHasher(sizeBytes) : undefined;
  }

  update(bytes: Buffer): this {
    this.#whole.update(bytes);
    this.#crc = crc32(bytes, this.#crc);
    this.#pieces?.update(bytes);
    return this;
  }

  end(): MemberDigests {
    const sha256 = this.#whole.digest('hex') as Sha256;
    const list = this.#pieces?.digest();
    return {
      sha256,
      crc: this.#crc,
      ...(list === undefined ? {} : { pieceRoot: list.root, pieceHashes: list.hashes }),
    };
  }
}
