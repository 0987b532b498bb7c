/**
 * A model's files under one folder, as links to blobs, for people and runtimes that want paths. The folder appears whole or
 * not at all; blobs are never copied. Spec: docs/spec/06-store.md §7.
 */
import { randomBytes } from 'node:crypto';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ModelId, Sha256 } from '../core/index.ts';
import { parseRelativePath, toFolderName } from '../protocol/index.ts';
import { toStoreError } from './errors.ts';
import { type LinkedFile, moveAside, placeLinks } from './linked-folder.ts';

export interface ModelPlace {
  /** The home directory. */
  readonly home: string;
  readonly modelId: ModelId;
  readonly version: string;
  /** The model's digest, given only for a further variant of the same id and version. */
  readonly variant?: Sha256 | undefined;
}

/** The name beside the versions that says which is in force. */
export const CURRENT = 'current';

/** The folder of a model's files. Throws ProtocolError `unsafe_name`. */
export function modelFolder({ home, modelId, version, variant }: ModelPlace): string {
  const folder = parseRelativePath(toFolderName(modelId));
  const leaf = variant === undefined ? encodeVersion(version) : `${encodeVersion(version)}@${variant.slice(0, 12)}`;
  return join(filesFolder(home), folder, parseRelativePath(leaf));
}

/** Links the files, replacing what the model had there. Returns the folder. */
export async function placeModel(place: ModelPlace, files: readonly LinkedFile[]): Promise<string> {
  const target = modelFolder(place);
  const safe = files.map((file) => ({ ...file, path: parseRelativePath(file.path) }));
  const building = buildingPath(place.home);
  try {
    await placeLinks(target, safe, { building, aside: buildingPath(place.home) });
    return target;
  } catch (thrown) {
    throw toStoreError(`Placing the files of ${place.modelId}`, thrown);
  }
}

/** Removes the links of a model; false when there were none. Blobs stay. */
export async function removeModel(place: ModelPlace): Promise<boolean> {
  const target = modelFolder(place);
  try {
    const was = await moveAside(target, buildingPath(place.home));
    await rmdir(dirname(target)).catch(() => {});
    return was;
  } catch (thrown) {
    throw toStoreError(`Removing the files of ${place.modelId}`, thrown);
  }
}

/** Deletes what a crash left half-built. For the start of the daemon. */
export async function removeHalfBuilt(home: string): Promise<void> {
  const names = await readdir(filesFolder(home)).catch(() => []);
  for (const name of names) {
    if (name.startsWith('.building-')) await rm(join(filesFolder(home), name), { recursive: true, force: true });
  }
}

/** A name for what is not in its place yet; what a crash leaves there goes at the next start. */
export function buildingPath(home: string): string {
  return join(filesFolder(home), `.building-${randomBytes(8).toString('hex')}`);
}

function filesFolder(home: string): string {
  return join(home, 'models', 'files');
}

function encodeVersion(version: string): string {
  const encoded = Array.from(Buffer.from(version, 'utf8'), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9._+-]/.test(character) ? character : percent(byte);
  }).join('');
  return encoded === CURRENT
    ? `${percent(CURRENT.charCodeAt(0))}${CURRENT.slice(1)}`
    : encoded.replace(/^\.|\.$/g, percent(0x2e));
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
