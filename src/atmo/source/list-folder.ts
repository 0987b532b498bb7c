/** Every file below a folder, the manifest first, then by path. What is neither file nor folder is refused, links above all. Spec: docs/spec/21-packages.md §1. */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareText } from '../../core/index.ts';
import { type FileState, toFileState } from '../copy/file-state.ts';
import { AtmoError, toReadError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import { PathSet } from './path-set.ts';

export interface ListedFile {
  readonly path: string;
  readonly state: FileState;
}

export const MANIFEST_PATH = 'manifest.yaml';

/** Throws AtmoError `unsafe_member`, `too_large`, `unreadable`. */
export async function listFolder(folder: string): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  const paths = new PathSet();
  const waiting = [''];
  try {
    for (let above = waiting.pop(); above !== undefined; above = waiting.pop())
      for await (const { name } of await opendir(join(folder, above))) {
        const path = above === '' ? name : `${above}/${name}`;
        const stats = await lstat(join(folder, path), { bigint: true });
        paths.add(path, stats.isDirectory() ? 'folder' : 'file');
        if (stats.isDirectory()) waiting.push(path);
        else if (stats.isFile()) files.push({ path, state: assertSize(path, toFileState(stats)) });
        else throw noFile(path, stats.isSymbolicLink() ? 'a symbolic link' : 'no file');
      }
  } catch (thrown) {
    throw toReadError(thrown, `Listing ${folder}`);
  }
  return files.sort((a, b) => rank(a) - rank(b) || compareText(a.path, b.path));
}

function rank({ path }: ListedFile): number {
  return path === MANIFEST_PATH ? 0 : 1;
}

function assertSize(path: string, state: FileState): FileState {
  if (state.sizeBytes <= ATMO_LIMITS.memberBytes) return state;
  throw new AtmoError('too_large', `Listing ${path}: ${state.sizeBytes} bytes, at most ${ATMO_LIMITS.memberBytes}`);
}

function noFile(path: string, what: string): AtmoError {
  return new AtmoError(
    'unsafe_member',
    `Listing the package: ${JSON.stringify(path)} is refused because it is ${what}`,
    { data: { path } },
  );
}
