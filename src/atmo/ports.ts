/** What the parts of a package area ask of the outside. Spec: docs/spec/21-packages.md. */

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
  /** In the order in which they lie; `manifest.yaml` first in an archive. */
  readonly entries: readonly PackageEntry[];
  /** Bytes of the whole as it lies on its medium. */
  readonly sizeBytes: number;
  /** Fills `buffer` from `position` of that file; short only at its end. Throws AtmoError `member_not_found`, `unreadable`. */
  read(path: string, buffer: Buffer, position: number): Promise<number>;
}
