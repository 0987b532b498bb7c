/**
 * The blob store's port: content by SHA-256, written piece by piece, read at random, counted and pinned.
 * Spec: docs/spec/06-store.md. Every implementation runs the suite in `blob-store.conformance.ts`.
 */
import type { PieceRoot, Sha256 } from '../core/index.ts';

export interface BlobSpec {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly pieceBytes: number;
  readonly pieceRoot: PieceRoot;
}

export interface BlobStat {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  /** `owned`: under the store's folder. `adopted`: a file elsewhere, served in place. */
  readonly place: 'owned' | 'adopted';
  readonly path: string;
  readonly pinned: boolean;
  readonly refs: number;
}

export interface BlobStore {
  /** Undefined when absent, or when an adopted file is no longer what was hashed. */
  stat(sha256: Sha256): Promise<BlobStat | undefined>;
  /** Throws StoreError `blob_not_found`, `blob_changed` (the adopted file is not what was hashed), `io_failed`. */
  openRead(sha256: Sha256): Promise<BlobReader>;
  /** Begins or goes on with a part. One writer a blob: `blob_busy`. Checks space and quota: `disk_full`, `quota_exceeded`. */
  openWrite(spec: BlobSpec): Promise<BlobWriter>;
  /** Stores small content whole (file lists, test data); verifies the digest. */
  put(sha256: Sha256, bytes: Uint8Array): Promise<void>;
  /** Takes a hashed file elsewhere as this blob's place, without copying. Its state is checked at every opening. */
  adopt(sha256: Sha256, path: string, state: FileState): Promise<void>;
  /** Names a use of the blob; a blob with none, unpinned, is collected. Idempotent. */
  addRef(sha256: Sha256, holder: string): Promise<void>;
  removeRef(sha256: Sha256, holder: string): Promise<void>;
  pin(sha256: Sha256): Promise<void>;
  unpin(sha256: Sha256): Promise<void>;
  /** Deletes owned blobs that nobody holds; forgets adopted ones, never touching the file. */
  collect(): Promise<{ readonly freedBytes: number; readonly removed: readonly Sha256[] }>;
  usage(): Promise<{ readonly ownedBytes: number; readonly partialBytes: number; readonly quotaBytes: number | undefined }>;
  /** Parts left by downloads that did not finish. */
  listParts(): Promise<readonly { readonly sha256: Sha256; readonly heldBytes: number }[]>;
  discardPart(sha256: Sha256): Promise<void>;
  close(): Promise<void>;
}

/** What tells that a file is still the one that was hashed. */
export interface FileState {
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly inode: bigint;
  readonly device: bigint;
}

export interface BlobReader extends AsyncDisposable {
  readonly sizeBytes: number;
  /** Fills `buffer` from `position`; returns the bytes read, short only at the end. Throws `blob_changed`. */
  read(buffer: Buffer, position: number): Promise<number>;
  /** Bytes [start, end) in large chunks; ends with `blob_changed` instead of passing on bytes of a changed file. */
  stream(start: number, end: number): import('node:stream').Readable;
  close(): Promise<void>;
}

export interface BlobWriter extends AsyncDisposable {
  readonly spec: BlobSpec;
  /** Pieces already verified by an earlier run, as the journal says: bits, most significant first. */
  readonly heldPieces: Uint8Array;
  /** True where held pieces were journalled before a power cut and must be checked again (docs/spec/06-store.md §4). */
  readonly heldPiecesUnsure: boolean;
  /** Writes bytes of a piece at their place in the blob. The buffer may be reused when the promise resolves. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Reads back what was written (for the whole digest of pieces that came out of order). */
  read(buffer: Buffer, position: number): Promise<number>;
  /** The piece's hash was right: journal it. */
  commitPiece(index: number): void;
  /** A piece that was held proved wrong: take it back. */
  revokePiece(index: number): void;
  /** All pieces are committed and the whole SHA-256 is the spec's: sync, rename into place. Throws `incomplete`. */
  finish(): Promise<BlobStat>;
  /** Leaves the part for a later run. */
  close(): Promise<void>;
  /** Deletes the part. */
  discard(): Promise<void>;
}
