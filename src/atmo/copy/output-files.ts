/**
 * Where an archive is written: one file, or slices of it, each a file. They are called `.partial` until all of them are on the medium; only then
 * do they get their names, in order. Calls come one at a time; a position may be written again. Removed when it is discarded.
 * Spec: docs/spec/21-packages.md §2, §3.
 */
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCodeOf } from '../../core/index.ts';
import { AtmoError, toWriteError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import type { WrittenFile } from '../ports.ts';

export interface OutputOptions {
  /** Name of the n-th slice, from 0. */
  readonly nameOf: (index: number) => string;
  readonly sliceBytes: number;
  readonly maxSlices: number;
  readonly replaces: boolean;
}

interface Slice {
  readonly index: number;
  readonly file: FileHandle;
}

export class OutputFiles {
  readonly #options: OutputOptions;
  #slice: Slice | undefined;
  #count = 0;
  #sizeBytes = 0;
  #unsyncedBytes = 0;
  #syncing: Promise<void> = Promise.resolve();
  #named = 0;
  #isPublished = false;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    const { sliceBytes } = this.#options;
    for (let at = 0; at < bytes.length; ) {
      const start = (position + at) % sliceBytes;
      const take = Math.min(bytes.length - at, sliceBytes - start);
      await this.#writeSlice(Math.floor((position + at) / sliceBytes), bytes.subarray(at, at + take), start);
      at += take;
    }
    this.#sizeBytes = Math.max(this.#sizeBytes, position + bytes.length);
  }

  /** Everything is on the medium, still under `.partial`. */
  async sync(): Promise<void> {
    await this.#closeSlice();
    for (let index = 0; index < this.#count; index += 1) {
      await using file = await open(partialOf(this.nameOf(index)), 'r+');
      await file.sync().catch((thrown) => {
        throw toWriteError(thrown, `Writing ${this.nameOf(index)}`);
      });
    }
  }

  /** After `sync`: the slices get their names. */
  async publish(): Promise<readonly WrittenFile[]> {
    const files: WrittenFile[] = [];
    for (let index = 0; index < this.#count; index += 1) await assertFree(this.nameOf(index), this.#options.replaces);
    for (; this.#named < this.#count; this.#named += 1) {
      const path = this.nameOf(this.#named);
      await rename(partialOf(path), path).catch((thrown) => {
        throw toWriteError(thrown, `Writing ${path}`);
      });
      files.push({ path, sizeBytes: this.#sizeOf(this.#named) });
    }
    await syncFolder(dirname(this.nameOf(0)));
    this.#isPublished = true;
    return files;
  }

  /** Removes what was written, unless all of it has its name. */
  async discard(): Promise<void> {
    await this.#closeSlice().catch(() => undefined);
    if (this.#isPublished) return;
    for (let index = 0; index < this.#count; index += 1) {
      const path = this.nameOf(index);
      await rm(index < this.#named ? path : partialOf(path), { force: true });
    }
  }

  get count(): number {
    return this.#count;
  }

  nameOf(index: number): string {
    return this.#options.nameOf(index);
  }

  #sizeOf(index: number): number {
    return Math.min(this.#options.sliceBytes, this.#sizeBytes - index * this.#options.sliceBytes);
  }

  async #writeSlice(index: number, bytes: Uint8Array, start: number): Promise<void> {
    const path = this.nameOf(index);
    try {
      const { file } = await this.#open(index);
      for (let at = 0; at < bytes.length; )
        at += (await file.write(bytes, at, bytes.length - at, start + at)).bytesWritten;
      this.#unsyncedBytes += bytes.length;
      if (this.#unsyncedBytes >= ATMO_LIMITS.syncBytes) await this.#startSync(file);
    } catch (thrown) {
      throw toWriteError(thrown, `Writing ${path}`);
    }
  }

  async #open(index: number): Promise<Slice> {
    if (this.#slice?.index === index) return this.#slice;
    await this.#closeSlice();
    const isNew = index === this.#count;
    if (isNew) await this.#prepare(index);
    const file = await open(partialOf(this.nameOf(index)), isNew ? 'wx' : 'r+');
    this.#count = Math.max(this.#count, index + 1);
    this.#slice = { index, file };
    return this.#slice;
  }

  async #prepare(index: number): Promise<void> {
    const { maxSlices, replaces } = this.#options;
    const path = this.nameOf(index);
    if (index >= maxSlices)
      throw new AtmoError('bad_part_size', `Writing ${path}: more than ${maxSlices} parts; take larger ones`);
    await assertFree(path, replaces);
    await mkdir(dirname(path), { recursive: true });
    await rm(partialOf(path), { force: true });
  }

  /** The medium keeps up while more is read: one sync at a time, not waited for until the next. */
  async #startSync(file: FileHandle): Promise<void> {
    await this.#syncing;
    this.#unsyncedBytes = 0;
    this.#syncing = file.datasync();
    this.#syncing.catch(() => undefined);
  }

  async #closeSlice(): Promise<void> {
    const slice = this.#slice;
    this.#slice = undefined;
    const syncing = this.#syncing;
    this.#syncing = Promise.resolve();
    try {
      await syncing;
    } finally {
      await slice?.file.close();
    }
  }
}

export function partialOf(path: string): string {
  return `${path}.partial`;
}

/** Throws AtmoError `already_there`. */
export async function assertFree(path: string, replaces: boolean): Promise<void> {
  if (replaces) return;
  const isThere = await stat(path).then(
    () => true,
    (thrown) => systemCodeOf(thrown) !== 'ENOENT' && systemCodeOf(thrown) !== 'ENOTDIR',
  );
  if (isThere) throw new AtmoError('already_there', `Writing ${path}: it is there already`, { data: { path } });
}

/** So that a name survives a loss of power. Some file systems know no such thing. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder, 'r');
    await handle.sync();
  } catch (thrown) {
    if (!['EINVAL', 'EPERM', 'EISDIR', 'EACCES', 'ENOTSUP'].includes(systemCodeOf(thrown) ?? '')) throw thrown;
  }
}
