/**
 * The blob store's port: content by SHA-256, written piece by piece, read at random, counted and pinned.
 * Spec: docs/spec/06-store.md. Every implementation runs the suite in `blob-store.conformance.ts`.
 */
import type { Readable } from 'node:stream';
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

export interface BlobUsage {
  readonly ownedBytes: number;
  readonly partialBytes: number;
  readonly quotaBytes: number | undefined;
}

export interface CollectResult {
  readonly freedBytes: number;
  readonly removed: readonly Sha256[];
}

export interface PartStat {
  readonly sha256: Sha256;
  readonly heldBytes: number;
}

export interface BlobStore {
  /** Undefined when absent, or when an adopted file is no longer what was hashed. */
  stat(sha256: Sha256): Promise<BlobStat | undefined>;
  /** Throws StoreError `blob_not_found`, `blob_changed` (the adopted file is not what was hashed), `io_failed`. */
  openRead(sha256: Sha256): Promise<BlobReader>;
  /**
   * Begins or goes on with a part. One writer a blob: `blob_busy`; owned already: `blob_exists`. Checks space and quota:
   * `disk_full`, `quota_exceeded`.
   */
  openWrite(spec: BlobSpec): Promise<BlobWriter>;
  /**
   * Reads what has come of a blob, along with its writer where it has one (docs/spec/06-store.md §8); undefined where there is
   * no part. Throws `io_failed`.
   */
  openPart(sha256: Sha256): Promise<PartReader | undefined>;
  /** Stores small content whole (file lists, test data); verifies the digest: `digest_mismatch`. */
  put(sha256: Sha256, bytes: Uint8Array): Promise<void>;
  /** Takes a hashed file elsewhere as this blob's place, without copying. Its state is checked at every opening. */
  adopt(sha256: Sha256, path: string, state: FileState): Promise<void>;
  /** Names a use of the blob; a blob with none, neither pinned nor held, is collected. Idempotent; may come before the blob. */
  addRef(sha256: Sha256, holder: string): Promise<void>;
  removeRef(sha256: Sha256, holder: string): Promise<void>;
  /** Keeps a blob, there or to come, until it is disposed of or the process ends: for work that will name a use later. */
  hold(sha256: Sha256): Disposable;
  pin(sha256: Sha256): Promise<void>;
  unpin(sha256: Sha256): Promise<void>;
  /** Deletes owned blobs that are in no use; forgets adopted ones, never touching the file. */
  collect(): Promise<CollectResult>;
  /** The same for one blob; false when absent. Throws `blob_in_use`. */
  remove(sha256: Sha256): Promise<boolean>;
  usage(): Promise<BlobUsage>;
  /** Parts left by downloads that did not finish. */
  listParts(): Promise<readonly PartStat[]>;
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
  stream(start: number, end: number): Readable;
  /** Gives up this hold on the file. Streams that run keep it open until they end or are destroyed. */
  close(): Promise<void>;
}

/** A part as others than its writer may read it. */
export interface PartReader extends AsyncDisposable {
  readonly spec: BlobSpec;
  /** `whole`: the blob has its name, and reading goes on. `ended`: its writer let go of it, or another came; nothing is read any more. */
  readonly state: 'growing' | 'whole' | 'ended';
  /** Pieces that may be read now: bits, most significant first. */
  heldPieces(): Uint8Array;
  /** Does every byte of [start, end) lie in such a piece? */
  holds(start: number, end: number): boolean;
  /** Fills `buffer` from `position`, short only at the blob's end. Throws `not_held_yet`, `store_closed`. */
  read(buffer: Buffer, position: number): Promise<number>;
  /** Calls back at each change of what is held and of the state; the returned function stops it. */
  onChange(listener: () => void): () => void;
  /** When the reads under way have ended. */
  close(): Promise<void>;
}

export interface BlobWriter extends AsyncDisposable {
  readonly spec: BlobSpec;
  /** Pieces already verified by an earlier run, as the journal says: bits, most significant first. */
  readonly heldPieces: Uint8Array;
  /** True where held pieces were journalled before a power cut and must be checked again (docs/spec/06-store.md §4). */
  readonly heldPiecesUnsure: boolean;
  /** Which of the held pieces those are; commit or revoke each. Same bits. */
  readonly unsurePieces: Uint8Array;
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

/** One place where a blob's bytes lie. `state` is there exactly for adopted files. */
export interface BlobPlace {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly place: 'owned' | 'adopted';
  readonly path: string;
  readonly state: FileState | undefined;
}

/** What the store remembers over restarts. Calls are synchronous and atomic; SQLite in the daemon, maps in tests. */
export interface BlobIndex {
  /** Owned first, then by path. */
  places(sha256: Sha256): readonly BlobPlace[];
  allPlaces(): readonly BlobPlace[];
  /** Replaces the place of the same blob and path. */
  putPlace(place: BlobPlace): void;
  deletePlace(sha256: Sha256, path: string): void;
  isPinned(sha256: Sha256): boolean;
  setPinned(sha256: Sha256, pinned: boolean): void;
  addRef(sha256: Sha256, holder: string): void;
  removeRef(sha256: Sha256, holder: string): void;
  refs(sha256: Sha256): readonly string[];
}
