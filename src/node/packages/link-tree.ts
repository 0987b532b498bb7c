/** A second folder with the same files: links, so that it costs no room and whoever edits a file edits it in both. */
import { copyFile, link, mkdir, opendir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../../core/index.ts';
import { PackageError } from './errors.ts';
import { PACKAGE_LIMITS } from './limits.ts';

/** `to` is there and empty; `from` need not be there. Throws PackageError `config_unusable`. */
export async function linkTree(from: string, to: string): Promise<void> {
  const left = { files: PACKAGE_LIMITS.configFiles };
  await linkFolder(from, to, PACKAGE_LIMITS.configDepth, left);
}

async function linkFolder(from: string, to: string, depth: number, left: { files: number }): Promise<void> {
  if (depth === 0) throw unusable(from, `folders lie over ${PACKAGE_LIMITS.configDepth} deep`);
  for await (const entry of await openOrNothing(from)) {
    left.files -= 1;
    if (left.files < 0) throw unusable(from, `it has over ${PACKAGE_LIMITS.configFiles} files`);
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      await mkdir(target);
      await linkFolder(source, target, depth - 1, left);
    } else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else if (entry.isFile()) await linkOrCopy(source, target);
    else throw unusable(source, 'it is neither file nor folder nor link');
  }
}

async function openOrNothing(folder: string) {
  try {
    return await opendir(folder);
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  await link(source, target).catch(() => copyFile(source, target));
}

function unusable(path: string, why: string): PackageError {
  return new PackageError('config_unusable', `Taking over ${path}: ${why}`, { data: { path } });
}
