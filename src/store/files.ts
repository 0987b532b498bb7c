/** Small acts on files that must survive a power cut, and what a file's state is. Spec: docs/spec/06-store.md §2, §3.5. */
import { type BigIntStats, fdatasync, fstatSync, read } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCodeOf } from '../core/index.ts';
import { toStoreError } from './errors.ts';
import type { FileState } from './ports.ts';

export function toFileState(stats: BigIntStats): FileState {
  return { sizeBytes: Number(stats.size), mtimeNs: stats.mtimeNs, inode: stats.ino, device: stats.dev };
}

/** The state of an open file. One system call that never touches the disk: cheap enough after every read. */
export function fileStateOf(fd: number): FileState {
  return toFileState(fstatSync(fd, { bigint: true }));
}

export function isSameState(a: FileState, b: FileState): boolean {
  return a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs && a.inode === b.inode && a.device === b.device;
}

/** True for errors that say that the path leads nowhere. */
export function isAbsence(thrown: unknown): boolean {
  const code = systemCodeOf(thrown);
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function syncData(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fdatasync(fd, (error) => (error === null ? resolve() : reject(error))));
}

/** Moves a synced file to its name, so that after a power cut the name is there with all of its bytes. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
}

/** Writes `path` whole: temporary file, sync, rename. What was there stays until the last step. */
export async function writeFileDurably(
  path: string,
  temporary: string,
  bytes: Uint8Array,
  mode: number,
): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, 'w', 0o600);
    await file.writeFile(bytes);
    await file.chmod(mode);
    await file.datasync();
    await file.close();
    file = undefined;
    await renameDurably(temporary, path);
  } catch (thrown) {
    await file?.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
    throw toStoreError(`Writing ${path}`, thrown);
  }
}

/** Reads until the buffer or the file ends. */
export async function readFully(fd: number, buffer: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const count = await readOnce(fd, buffer, done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

function readOnce(fd: number, buffer: Buffer, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, offset, buffer.length - offset, position, (error, count) =>
      error === null ? resolve(count) : reject(error),
    );
  });
}
