/**
 * Writes a package as a folder: the files of the archive, each with its time. The folder is called `.partial` until all of it is on the medium.
 * Spec: docs/spec/21-packages.md §1.
 */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Copier } from '../copy/copier.ts';
import { openContent } from '../copy/open-content.ts';
import { assertFree, partialOf, syncFolder } from '../copy/output-files.ts';
import { AtmoError, assertGoesOn, toWriteError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import type { MemberToWrite, PackageTarget, WrittenFile, WrittenMember } from '../ports.ts';
import { PathSet } from './path-set.ts';
import { toWrittenMember } from './written-member.ts';

export interface FolderTargetOptions {
  /** Of the folder that is made. */
  readonly path: string;
  /** The time of every file. */
  readonly created: Date;
  /** Bytes written since the last call. */
  readonly onBytes?: (byteCount: number) => void;
}

export class FolderTarget implements PackageTarget {
  readonly #options: FolderTargetOptions;
  readonly #copier = new Copier();
  readonly #paths = new PathSet();
  readonly #reserved = new Map<string, number>();
  readonly #folders = new Set<string>();
  #sizeBytes = 0;
  #state: 'fresh' | 'writing' | 'done' = 'fresh';
  #isBroken = false;

  constructor(options: FolderTargetOptions) {
    this.#options = options;
  }

  async reserve(path: string, sizeBytes: number): Promise<void> {
    this.#paths.add(path);
    this.#reserved.set(path, sizeBytes);
  }

  async fill(path: string, bytes: Uint8Array): Promise<WrittenMember> {
    if (this.#reserved.get(path) !== bytes.length)
      throw new AtmoError('digest_mismatch', `Writing ${path}: ${bytes.length} bytes, no room was kept for them`);
    this.#reserved.delete(path);
    return await this.#write({ path, sizeBytes: bytes.length, content: bytes });
  }

  async add(member: MemberToWrite, signal?: AbortSignal): Promise<WrittenMember> {
    this.#paths.add(member.path);
    if (member.sizeBytes > ATMO_LIMITS.memberBytes)
      throw new AtmoError(
        'too_large',
        `Writing ${member.path}: ${member.sizeBytes} bytes, at most ${ATMO_LIMITS.memberBytes}`,
      );
    return await this.#write(member, signal);
  }

  async finish(signal?: AbortSignal): Promise<readonly WrittenFile[]> {
    const { path } = this.#options;
    const missing = [...this.#reserved.keys()];
    if (this.#isBroken || missing.length > 0)
      throw new AtmoError('truncated', `Writing ${path}: ${missing.join(', ') || 'a file'} was not written whole`);
    assertGoesOn(signal, `Writing ${path}`);
    await this.#begin();
    await assertFree(path, false);
    try {
      for (const folder of this.#folders) await syncFolder(folder);
      await rename(partialOf(path), path);
      await syncFolder(dirname(path));
    } catch (thrown) {
      throw toWriteError(thrown, `Writing ${path}`);
    }
    this.#state = 'done';
    return [{ path, sizeBytes: this.#sizeBytes }];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#copier.close();
    if (this.#state === 'writing') await rm(partialOf(this.#options.path), { recursive: true, force: true });
  }

  async #begin(): Promise<void> {
    if (this.#state !== 'fresh') return;
    const { path } = this.#options;
    await assertFree(path, false);
    this.#state = 'writing';
    await rm(partialOf(path), { recursive: true, force: true });
    await mkdir(partialOf(path), { recursive: true });
    this.#folders.add(partialOf(path));
  }

  async #write(member: MemberToWrite, signal?: AbortSignal): Promise<WrittenMember> {
    const { path, sizeBytes, wantsPieceRoot = false } = member;
    const content = await openContent(member);
    this.#isBroken = true;
    try {
      await using file = await this.#create(path);
      const digests = await this.#copier.copy({
        doing: `Packing ${path}`,
        sizeBytes,
        wantsPieceRoot,
        from: content,
        write: (bytes, position) => writeAll(file, bytes, position),
        onBytes: (count) => this.#options.onBytes?.(count),
        signal,
      });
      await file.utimes(this.#options.created, this.#options.created);
      await file.sync();
      const written = toWrittenMember(member, digests);
      this.#sizeBytes += sizeBytes;
      this.#isBroken = false;
      return written;
    } finally {
      await content.close();
    }
  }

  async #create(path: string): Promise<FileHandle> {
    const file = join(partialOf(this.#options.path), path);
    try {
      await this.#begin();
      await mkdir(dirname(file), { recursive: true });
      this.#folders.add(dirname(file));
      return await open(file, 'wx', 0o644);
    } catch (thrown) {
      throw toWriteError(thrown, `Writing ${path}`);
    }
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  try {
    for (let at = 0; at < bytes.length; )
      at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  } catch (thrown) {
    throw toWriteError(thrown, 'Writing the folder of a package');
  }
}
