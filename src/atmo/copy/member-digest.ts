/** What is computed of a file's bytes as they pass: SHA-256, CRC-32 and, where wanted, the root of its pieces. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  PIECE_HASH_BYTES,
  PieceHasher,
  type PieceLayout,
  type PieceList,
  pieceLayout,
  toPieceList,
} from '../../content/index.ts';
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
  readonly #pieces: PieceRootDigest | undefined;
  #crc = 0;

  constructor({ sizeBytes, wantsPieceRoot = false }: DigestWish) {
    this.#pieces = wantsPieceRoot ? new PieceRootDigest(sizeBytes) : undefined;
  }

  update(bytes: Buffer): this {
    this.#whole.update(bytes);
    this.#crc = crc32(bytes, this.#crc);
    this.#pieces?.update(bytes);
    return this;
  }

  end(): MemberDigests {
    const sha256 = this.#whole.digest('hex') as Sha256;
    const list = this.#pieces?.end();
    return {
      sha256,
      crc: this.#crc,
      ...(list === undefined ? {} : { pieceRoot: list.root, pieceHashes: list.hashes }),
    };
  }
}

class PieceRootDigest {
  readonly #sizeBytes: number;
  readonly #layout: PieceLayout;
  readonly #hashes: Buffer[] = [];
  #hasher = new PieceHasher();
  #filledBytes = 0;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#layout = pieceLayout(sizeBytes);
  }

  update(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const take = Math.min(bytes.length - at, this.#layout.pieceBytes - this.#filledBytes);
      this.#hasher.update(bytes.subarray(at, at + take));
      this.#filledBytes += take;
      at += take;
      if (this.#filledBytes === this.#layout.pieceBytes) this.#endPiece();
    }
  }

  end(): PieceList {
    if (this.#filledBytes > 0) this.#endPiece();
    return toPieceList(this.#sizeBytes, Buffer.concat(this.#hashes, this.#layout.pieceCount * PIECE_HASH_BYTES));
  }

  #endPiece(): void {
    this.#hashes.push(this.#hasher.digest());
    this.#hasher = new PieceHasher();
    this.#filledBytes = 0;
  }
}
