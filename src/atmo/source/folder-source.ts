/**
 * A package in its unpacked form. The folder is listed once, without following a link; a file is read only while it is the one that was listed.
 * Spec: docs/spec/21-packages.md §1.
 */
import type { FileHandle } from 'node:fs/promises';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileState, isSameFileState, toFileState } from '../copy/file-state.ts';
import { openRegularFile } from '../copy/open-content.ts';
import { AtmoError, assertGoesOn, toReadError } from '../errors.ts';
import type { PackageEntry, PackageSource } from '../ports.ts';
import { type ListedFile, listFolder } from './list-folder.ts';
import { OpenFiles } from './open-files.ts';

export class FolderSource implements PackageSource {
  readonly name: string;
  readonly sizeBytes: number;
  readonly entries: readonly PackageEntry[];
  readonly #states: ReadonlyMap<string, FileState>;
  readonly #files: OpenFiles<FileHandle>;

  private constructor(folder: string, files: readonly ListedFile[]) {
    this.name = folder;
    this.#states = new Map(files.map(({ path, state }) => [path, state]));
    this.entries = files.map(({ path, state }) => ({ path, sizeBytes: state.sizeBytes }));
    this.sizeBytes = this.entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.#files = new OpenFiles((path) => openRegularFile(join(folder, path), `Reading ${folder}`));
  }

  /** Throws AtmoError `unsafe_member`, `too_large`, `unreadable`. */
  static async open(folder: string): Promise<FolderSource> {
    return new FolderSource(folder, await listFolder(folder));
  }

  async read(path: string, buffer: Buffer, position: number): Promise<number> {
    const state = this.#states.get(path);
    if (state === undefined)
      throw new AtmoError('member_not_found', `Reading ${this.name}: it has no ${path}`, { data: { path } });
    return await this.#files.use(path, async (file) => {
      try {
        const filled = await fill(file, buffer.subarray(0, Math.max(0, state.sizeBytes - position)), position);
        this.#assertSame(path, state, toFileState(await file.stat({ bigint: true })));
        return filled;
      } catch (thrown) {
        throw toReadError(thrown, `Reading ${join(this.name, path)}`);
      }
    });
  }

  async checkLayout(signal?: AbortSignal): Promise<void> {
    for (const [path, state] of this.#states) {
      assertGoesOn(signal, `Checking ${this.name}`);
      const stats = await lstat(join(this.name, path), { bigint: true }).catch((thrown) => {
        throw toReadError(thrown, `Checking ${join(this.name, path)}`);
      });
      this.#assertSame(path, state, toFileState(stats));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }

  #assertSame(path: string, was: FileState, is: FileState): void {
    if (!isSameFileState(was, is))
      throw new AtmoError('changed', `Reading ${join(this.name, path)}: it changed since the folder was listed`, {
        data: { path },
      });
  }
}

async function fill(file: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
