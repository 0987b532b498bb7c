/** A package whose files are blobs of the store, named by a file list: what came over the mesh, ready to be installed. */
import { AtmoError, type PackageEntry, type PackageSource } from '../../../atmo/index.ts';
import type { Sha256 } from '../../../core/index.ts';
import { type FileSetFile, PACKAGE_FILES } from '../../../protocol/index.ts';
import type { BlobReader, BlobStore } from '../../../store/index.ts';

export class BlobPackageSource implements PackageSource {
  readonly name: string;
  readonly entries: readonly PackageEntry[];
  readonly sizeBytes: number;
  readonly #store: BlobStore;
  readonly #files: ReadonlyMap<string, FileSetFile>;
  /** The last one that was read: members are read one after the other. */
  #open: { readonly sha256: Sha256; readonly reader: BlobReader } | undefined;

  /** The paths of a file list are safe and distinct. `name`: for people. */
  constructor(name: string, files: readonly FileSetFile[], store: BlobStore) {
    this.name = name;
    this.#store = store;
    this.#files = new Map(files.map((file) => [file.path, file]));
    this.entries = [...files].sort(manifestFirst).map(({ path, size_bytes }) => ({ path, sizeBytes: size_bytes }));
    this.sizeBytes = files.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  }

  async read(path: string, buffer: Buffer, position: number): Promise<number> {
    const file = this.#files.get(path);
    if (file === undefined)
      throw new AtmoError('member_not_found', `Reading ${path} of ${this.name}: the package has no such file`);
    return (await this.#readerOf(file.sha256)).read(buffer, position);
  }

  /** Opening a blob looks whether it is the one that was stored. */
  async checkLayout(): Promise<void> {
    for (const { path, sha256 } of this.#files.values())
      if ((await this.#store.stat(sha256)) === undefined)
        throw new AtmoError('unreadable', `Looking through ${this.name}: ${path} is not in the store any more`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.reader.close();
    this.#open = undefined;
  }

  async #readerOf(sha256: Sha256): Promise<BlobReader> {
    if (this.#open?.sha256 === sha256) return this.#open.reader;
    await this.#open?.reader.close();
    this.#open = undefined;
    const reader = await this.#store.openRead(sha256);
    this.#open = { sha256, reader };
    return reader;
  }
}

/** A small blob as a whole. Throws AtmoError `too_large`, StoreError. */
export async function readBlob(store: BlobStore, sha256: Sha256, maxBytes: number): Promise<Buffer> {
  await using reader = await store.openRead(sha256);
  if (reader.sizeBytes > maxBytes)
    throw new AtmoError('too_large', `Reading ${sha256}: ${reader.sizeBytes} bytes, wanted at most ${maxBytes}`);
  const bytes = Buffer.alloc(reader.sizeBytes);
  await reader.read(bytes, 0);
  return bytes;
}

function manifestFirst(one: FileSetFile, other: FileSetFile): number {
  return Number(other.path === PACKAGE_FILES.manifest) - Number(one.path === PACKAGE_FILES.manifest);
}
