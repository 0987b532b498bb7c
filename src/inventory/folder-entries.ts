/** Reading folders: order, what is ignored, and errors as reports. Spec: docs/spec/08-inventory.md §6, §7.3. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { messageOf, systemCodeOf } from '../core/index.ts';
import { InventoryError } from './errors.ts';
import type { ScanContext } from './scanner.ts';

const UNFINISHED = /\.(incomplete|part|partial|tmp|temp|download|crdownload|aria2|lock)$/i;

/** Hidden files and unfinished downloads. */
export function isIgnoredName(name: string): boolean {
  return name.startsWith('.') || name.startsWith('~') || UNFINISHED.test(name);
}

/** Entries by name; none for a folder that does not exist or, reported, cannot be read. */
export async function readFolder(path: string, context: ScanContext): Promise<Dirent[]> {
  try {
    return await readFolderStrictly(path, context);
  } catch (thrown) {
    context.report(thrown as InventoryError);
    return [];
  }
}

/** As `readFolder()`, but throws `unreadable`: for roots, whose failure must not look like emptiness. */
export async function readFolderStrictly(path: string, context: ScanContext): Promise<Dirent[]> {
  context.signal.throwIfAborted();
  try {
    context.onFolder(path);
    const entries = await readdir(path, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return [];
    throw unreadable(path, cause);
  }
}

export function unreadable(path: string, cause: unknown): InventoryError {
  return new InventoryError('unreadable', `Scanning ${path}: ${messageOf(cause)}`, { cause, data: { path } });
}

export function unsafeEntry(path: string, fault: string): InventoryError {
  return new InventoryError('unsafe_entry', `Scanning ${JSON.stringify(path.slice(0, 300))}: ${fault}`, {
    data: { path },
  });
}
