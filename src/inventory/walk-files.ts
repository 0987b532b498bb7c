/**
 * All regular files below a folder with their states. Links are resolved: within a boundary where one is given, else
 * wherever the owner pointed them; loops end at the inode check. Spec: docs/spec/08-inventory.md §6.
 */
import type { Dirent } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { systemCodeOf } from '../core/index.ts';
import { mapBounded } from './bounded-map.ts';
import { InventoryError } from './errors.ts';
import { fingerprintFile, toFingerprint } from './file-state.ts';
import { isIgnoredName, readFolder, readFolderStrictly, unreadable, unsafeEntry } from './folder-entries.ts';
import { INVENTORY_LIMITS } from './limits.ts';
import type { FileFingerprint } from './ports.ts';
import type { ScanContext } from './scanner.ts';

export interface WalkedFile {
  /** Below the walked folder, with forward slashes; not yet checked to be a safe name. */
  readonly path: string;
  readonly fingerprint: FileFingerprint;
}

export interface WalkOptions {
  readonly context: ScanContext;
  /** Real path that links must not leave; links to folders are then refused too. */
  readonly boundary?: string;
}

interface Walk extends WalkOptions {
  readonly files: WalkedFile[];
  readonly entered: Set<string>;
  entriesLeft: number;
}

interface Folder {
  /** Real path. */
  readonly real: string;
  readonly path: string;
  readonly depth: number;
}

/** Sorted by path; a root may be one file. Throws InventoryError `unreadable` for the folder itself; everything below is reported. */
export async function walkFiles(root: string, options: WalkOptions): Promise<WalkedFile[]> {
  const real = await realPathOrUndefined(root);
  if (real === undefined) return [];
  const stats = await stat(real, { bigint: true });
  if (stats.isFile()) return [onlyFile(real, options, toFingerprint(real, stats))];
  const walk: Walk = { ...options, files: [], entered: new Set(), entriesLeft: INVENTORY_LIMITS.walkEntries };
  const waiting: Folder[] = [{ real, path: '', depth: 0 }];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (!(await isFirstVisit(walk, folder.real))) continue;
    waiting.push(...(await walkFolder(walk, folder)));
    if (walk.entriesLeft < 0) break;
  }
  return walk.files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A root that is a file is all there is; its folder is watched, for a file's own watch ends when it is replaced. */
function onlyFile(real: string, { context }: WalkOptions, fingerprint: FileFingerprint): WalkedFile {
  context.onFolder(dirname(real));
  return { path: basename(real), fingerprint };
}

async function walkFolder(walk: Walk, folder: Folder): Promise<Folder[]> {
  const read = folder.depth === 0 ? readFolderStrictly : readFolder;
  const entries = (await read(folder.real, walk.context)).filter(({ name }) => !isIgnoredName(name));
  walk.entriesLeft -= entries.length;
  if (walk.entriesLeft < 0) {
    const message = `Scanning ${folder.real}: more than ${INVENTORY_LIMITS.walkEntries} entries`;
    walk.context.report(new InventoryError('too_many_entries', message, { data: { path: folder.real } }));
    return [];
  }
  const below: Folder[] = [];
  const visits = mapBounded(entries, INVENTORY_LIMITS.scanConcurrency, (entry) => visitEntry(walk, folder, entry));
  for await (const found of visits) {
    if (found !== undefined && found.depth <= INVENTORY_LIMITS.walkDepth) below.push(found);
  }
  return below;
}

async function visitEntry(walk: Walk, folder: Folder, entry: Dirent): Promise<Folder | undefined> {
  walk.context.signal.throwIfAborted();
  const real = join(folder.real, entry.name);
  const path = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`;
  try {
    if (entry.isDirectory()) return { real, path, depth: folder.depth + 1 };
    if (entry.isSymbolicLink()) return await visitLink(walk, real, path, folder.depth + 1);
    if (entry.isFile()) await addFile(walk, real, path);
  } catch (cause) {
    // A broken link, or a file that went while we looked.
    if (systemCodeOf(cause) !== 'ENOENT') walk.context.report(unreadable(real, cause));
  }
  return undefined;
}

async function visitLink(walk: Walk, link: string, path: string, depth: number): Promise<Folder | undefined> {
  const real = await realpath(link);
  if (walk.boundary !== undefined && !real.startsWith(walk.boundary + sep)) {
    walk.context.report(unsafeEntry(link, 'the link leads out of its folder'));
    return undefined;
  }
  const stats = await stat(real, { bigint: true });
  if (stats.isFile()) walk.files.push({ path, fingerprint: toFingerprint(real, stats) });
  return stats.isDirectory() && walk.boundary === undefined ? { real, path, depth } : undefined;
}

async function addFile(walk: Walk, real: string, path: string): Promise<void> {
  const fingerprint = await fingerprintFile(real);
  if (fingerprint !== undefined) walk.files.push({ path, fingerprint });
}

async function isFirstVisit(walk: Walk, real: string): Promise<boolean> {
  const stats = await stat(real, { bigint: true }).catch(() => undefined);
  const id = stats === undefined ? real : `${stats.dev}/${stats.ino}`;
  if (walk.entered.has(id)) return false;
  walk.entered.add(id);
  return true;
}

/** Undefined where nothing is. Throws `unreadable`. */
export async function realPathOrUndefined(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return undefined;
    throw unreadable(path, cause);
  }
}
