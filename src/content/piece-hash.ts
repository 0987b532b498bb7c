/**
 * A piece's hash is BLAKE3 (fast enough to run beside the whole file's SHA-256, docs/adr/0002); native where the
 * platform has it, WebAssembly elsewhere. Spec: docs/spec/01-content.md §3.
 */
import { Blake3Hasher } from '@napi-rs/blake-hash';

export const PIECE_HASH_BYTES = 32;

export class PieceHasher {
  readonly #hasher = new Blake3Hasher();

  update(bytes: Buffer): this {
    this.#hasher.update(bytes);
    return this;
  }

  /** 32 bytes. Ends this hasher. */
  digest(): Buffer {
    return this.#hasher.digestBuffer();
  }
}
