/** What the parts of a package area ask of the outside. Spec: docs/spec/21-packages.md. */
import type { PieceRoot, Sha256 } from '../core/index.ts';

/** One file of a package, as its archive, folder or store names it. */
export interface PackageEntry {
  /** Relative, forward slashes, safe (docs/spec/04-catalog.md §2). */
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * A package that can be read, in whatever form it lies: archive, folder, parts, blobs of the store. Its entries were checked when it
 * was opened: safe and distinct paths, no links, sizes within limits, no overlap. What the bytes are worth is decided by who reads them.
 */
export interface PackageSource extends AsyncDisposable {
  /** For people: where it lies. */
  readonly name: string;
  /** In the order in which they lie; `manifest.yaml` first in an archive made here. */
  readonly entries: readonly PackageEntry[];
  /** Bytes of the whole as it lies on its medium. */
  readonly sizeBytes: number;
  /** Fills `buffer` from `position` of that file; short only at its end. Throws AtmoError `member_not_found`, `unreadable` and what `checkLayout` throws of that file. */
  read(path: string, buffer: Buffer, position: number): Promise<number>;
  /** Looks at what opening left to the first read of each file: local headers, states of files. Reads no content. Throws AtmoError. */
  checkLayout(signal?: AbortSignal): Promise<void>;
}

/** Bytes that can be read from anywhere: a file, parts of one, a file of another package. */
export interface ReadableBytes {
  /** Fills `buffer` from `position`; short only at the end. */
  read(buffer: Buffer, position: number): Promise<number>;
}

/** What becomes a file of a package. */
export interface MemberToWrite {
  readonly path: string;
  readonly sizeBytes: number;
  /** Where the writer is to fail unless the content has this digest. */
  readonly sha256?: Sha256;
  /** The root of the piece list is computed on the way (docs/spec/01-content.md §3). */
  readonly wantsPieceRoot?: boolean;
  /** In memory; a file, opened without following a link, its size and time compared before and after; or anything that can be read. */
  readonly content: Uint8Array | { readonly file: string } | ReadableBytes;
}

export interface WrittenMember {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
  readonly pieceRoot?: PieceRoot;
}

export interface WrittenFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** A package that is being written. Nothing has its name before `finish`; disposed of without it, nothing is left. */
export interface PackageTarget extends AsyncDisposable {
  /** Keeps room for a file whose length is known and whose bytes are not: the manifest, which names what comes after it. */
  reserve(path: string, sizeBytes: number): Promise<void>;
  fill(path: string, bytes: Uint8Array): Promise<WrittenMember>;
  /** One after the other: a member is written when the one before has been. */
  add(member: MemberToWrite, signal?: AbortSignal): Promise<WrittenMember>;
  /** Everything is on the medium, under its name, when it resolves: the files that were written, the index of parts last. */
  finish(signal?: AbortSignal): Promise<readonly WrittenFile[]>;
}
