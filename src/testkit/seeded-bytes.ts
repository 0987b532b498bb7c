/**
 * Bytes that look random, the same for the same seed, gigabytes in seconds: one block of AES-CTR output, given out again
 * and again with a counter stamped into every 4 KiB, so that no two pages and no two pieces are alike.
 */
import { createCipheriv, createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { KiB, MiB } from '../core/index.ts';

const BLOCK_BYTES = 4 * MiB;
const PAGE_BYTES = 4 * KiB;

export class SeededBytes {
  readonly #block: Buffer;
  #pages = 0;

  constructor(seed: number | string, blockBytes = BLOCK_BYTES) {
    const key = createHash('sha256').update(`seeded-bytes/${seed}`).digest();
    const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
    this.#block = cipher.update(Buffer.alloc(blockBytes));
  }

  /** A copy, for small amounts. */
  next(byteCount: number): Buffer {
    const bytes = Buffer.alloc(byteCount);
    for (let at = 0; at < byteCount; at += this.#block.length) this.#stampedBlock().copy(bytes, at);
    return bytes;
  }

  /** Appends to an open file in large chunks. */
  async writeTo(file: FileHandle, byteCount: number): Promise<void> {
    for (let left = byteCount; left > 0; ) {
      const { bytesWritten } = await file.write(this.#stampedBlock(), 0, Math.min(left, this.#block.length));
      left -= bytesWritten;
    }
  }

  #stampedBlock(): Buffer {
    for (let at = 0; at + 8 <= this.#block.length; at += PAGE_BYTES) {
      this.#block.writeUInt32LE(this.#pages >>> 0, at);
      this.#pages += 1;
    }
    return this.#block;
  }
}
