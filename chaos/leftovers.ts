/** Files of the store's folder that should not be there once a run is over. */
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** `isOver`: whole, or a proven lie; else a part may lie there, of data and journal and nothing else. */
export async function findLeftovers(folder: string, sha256: string, isOver: boolean): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const allowed = new Set([
    join('blobs', 'sha256', sha256.slice(0, 2), sha256),
    ...(isOver ? [] : [join('parts', sha256, 'data'), join('parts', sha256, 'journal')]),
  ]);
  const left = files.filter((name) => !allowed.has(name));
  return left.length === 0 ? [] : [`files are left: ${left.join(', ')}`];
}
