/** Bytes that look random, the same for the same seed: AES-CTR over zeros, so that gigabytes take no time. */
import { type Cipheriv, createCipheriv, createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { MiB } from '../core/index.ts';

const CHUNK_BYTES = 4 * MiB;

export class SeededBytes {
  readonly #cipher: Cipheriv;
  readonly #zeros = Buffer.alloc(CHUNK_BYTES);

  constructor(seed: number | string) {
    const key = createHash('sha256').update(`seeded-bytes/${seed}`).digest();
    this.#cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
  }

  next(byteCount: number): Buffer {
    return this.#cipher.update(byteCount <= CHUNK_BYTES ? this.#zeros.subarray(0, byteCount) : Buffer.alloc(byteCount));
  }

  /** Appends to an open file in large chunks. */
  async writeTo(file: FileHandle, byteCount: number): Promise<void> {
    for (let left = byteCount; left > 0; left -= CHUNK_BYTES)
      await file.writeFile(this.next(Math.min(left, CHUNK_BYTES)));
  }
}
