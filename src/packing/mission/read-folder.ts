/**
 * What lies in a mission’s folder. Links are followed, they are the owner’s; what is hidden and what is no file is left out.
 * Spec: docs/spec/21-packages.md §13.
 */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareText, messageOf, systemCodeOf } from '../../core/index.ts';
import { PackingError } from '../errors.ts';
import { PACKING_LIMITS } from '../limits.ts';

export interface FolderFile {
  /** Below the mission’s folder, forward slashes. */
  readonly path: string;
  /** The file itself, wherever a link led. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

/** Sorted by path. Throws PackingError `folder_unreadable`, `bad_mission`. */
export async function readMissionFolder(folder: string): Promise<FolderFile[]> {
  const files: FolderFile[] = [];
  await walk({ folder, path: '', above: [] }, files);
  return files.sort((a, b) => compareText(a.path, b.path));
}

interface Place {
  readonly folder: string;
  readonly path: string;
  /** Real paths of the folders that it is in, against links that lead back. */
  readonly above: readonly string[];
}

async function walk({ folder, path, above }: Place, files: FolderFile[]): Promise<void> {
  const own = join(folder, path);
  const real = await reading(own, () => realpath(own));
  if (above.includes(real)) return;
  if (above.length > PACKING_LIMITS.missionDepth)
    throw tooMuch(own, `folders lie deeper than ${PACKING_LIMITS.missionDepth}`);
  const names = await reading(own, () => readdir(own));
  for (const name of names.filter((one) => !one.startsWith('.'))) {
    const inner = path === '' ? name : `${path}/${name}`;
    const file = join(folder, inner);
    const facts = await reading(file, () => stat(file));
    if (facts.isDirectory()) await walk({ folder, path: inner, above: [...above, real] }, files);
    else if (facts.isFile()) files.push(await toFile(file, inner, facts));
    if (files.length > PACKING_LIMITS.missionFiles)
      throw tooMuch(folder, `more than ${PACKING_LIMITS.missionFiles} files`);
  }
}

async function toFile(file: string, path: string, { size, mtimeMs }: { size: number; mtimeMs: number }) {
  return { path, file: await reading(file, () => realpath(file)), sizeBytes: size, mtimeMs };
}

async function reading<Result>(path: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (cause) {
    const what = systemCodeOf(cause) === 'ENOENT' ? 'it is gone, or a link that leads nowhere' : messageOf(cause);
    throw new PackingError('folder_unreadable', `Reading ${path}: ${what}`, { cause, data: { path } });
  }
}

function tooMuch(folder: string, what: string): PackingError {
  return new PackingError('bad_mission', `Reading ${folder}: ${what}; name a folder that has a mission’s files alone`);
}
