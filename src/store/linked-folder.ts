/**
 * A folder of links to blobs, which appears whole or not at all. Scratch names lie on the same file system; what a crash leaves under
 * them is whoever's who named them. Spec: docs/spec/06-store.md §7.
 */
import { link, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCodeOf } from '../core/index.ts';
import { isAbsence, syncFolder } from './files.ts';

export interface LinkedFile {
  /** Inside the folder: relative and safe. */
  readonly path: string;
  /** Where the blob lies. */
  readonly blobPath: string;
}

export interface ScratchNames {
  readonly building: string;
  readonly aside: string;
}

const NO_HARD_LINK = new Set(['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** Replaces what was there. Throws system errors. */
export async function placeLinks(
  target: string,
  files: readonly LinkedFile[],
  { building, aside }: ScratchNames,
): Promise<void> {
  try {
    await mkdir(building, { recursive: true });
    for (const { path, blobPath } of files) await linkFile(blobPath, join(building, path));
    await mkdir(dirname(target), { recursive: true });
    await moveAside(target, aside);
    await rename(building, target);
    await syncFolder(dirname(target));
  } catch (thrown) {
    await rm(building, { recursive: true, force: true }).catch(() => {});
    throw thrown;
  }
}

/** Takes a folder away in one step, then deletes it. False when it was not there. */
export async function moveAside(target: string, aside: string): Promise<boolean> {
  try {
    await rename(target, aside);
  } catch (thrown) {
    if (isAbsence(thrown)) return false;
    throw thrown;
  }
  await rm(aside, { recursive: true, force: true });
  return true;
}

/** What the link names, at every moment, is the old target or the new one. */
export async function swapLink(path: string, to: string, building: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await symlink(to, building);
    await rename(building, path);
    await syncFolder(dirname(path));
  } catch (thrown) {
    await rm(building, { force: true }).catch(() => {});
    throw thrown;
  }
}

async function linkFile(blobPath: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await link(blobPath, path);
  } catch (thrown) {
    if (!NO_HARD_LINK.has(systemCodeOf(thrown) ?? '')) throw thrown;
    await symlink(blobPath, path);
  }
}
