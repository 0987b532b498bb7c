/** What the inventory needs of others. Spec: docs/spec/08-inventory.md. */
import type { Sha256 } from '../core/index.ts';

/** Identity of one state of one file: another size, time, inode or device is another state. */
export interface FileFingerprint {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly inode: bigint;
  readonly device: bigint;
}

export interface FileHashes {
  readonly sha256: Sha256;
  /** BLAKE3 of each piece, 32 bytes each. */
  readonly pieceHashes: Buffer;
}

/** Remembers hashes by file state over restarts, so that a file is read once. */
export interface HashCache {
  get(file: FileFingerprint): FileHashes | undefined;
  put(file: FileFingerprint, hashes: FileHashes): void;
}
