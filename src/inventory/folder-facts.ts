/** What planning needs to know of a folder's files: shard indexes and the data files of ONNX models. */

import { messageOf } from '../core/index.ts';
import { extensionOf, FORMATS_LIMITS, FormatsError, parseShardIndex } from '../formats/index.ts';
import type { DescriptionMemory } from './description-memory.ts';
import { InventoryError } from './errors.ts';
import { unreadable } from './folder-entries.ts';
import { type FolderFacts, folderOf, isShardIndex, join, nameOf } from './plan-models.ts';
import type { ScanContext } from './scanner.ts';
import type { WalkedFile } from './walk-files.ts';

/** Never throws for one file: what cannot be read is reported and says nothing. */
export async function readFolderFacts(
  context: ScanContext,
  memory: DescriptionMemory,
  files: readonly WalkedFile[],
): Promise<FolderFacts> {
  const shards = new Map<string, readonly string[]>();
  const dataFiles = new Map<string, readonly string[]>();
  for (const file of files) {
    const names = await readNames(context, memory, file);
    const paths = names.map((name) => join(folderOf(file.path), name));
    if (isShardIndex(file.path)) shards.set(file.path, paths);
    else if (paths.length > 0) dataFiles.set(file.path, paths);
  }
  return { paths: files.map(({ path }) => path), dataFiles, shards };
}

async function readNames(
  context: ScanContext,
  memory: DescriptionMemory,
  file: WalkedFile,
): Promise<readonly string[]> {
  try {
    if (isShardIndex(file.path))
      return (await memory.parse(file.fingerprint, 'shards', FORMATS_LIMITS.shardIndexBytes, parseShardIndex)) ?? [];
    if (extensionOf(file.path) !== 'onnx') return [];
    return (await memory.describe(file.fingerprint, nameOf(file.path))).description.dataFiles ?? [];
  } catch (cause) {
    context.report(toProblem(file, cause));
    return [];
  }
}

function toProblem(file: WalkedFile, cause: unknown): InventoryError {
  const path = file.fingerprint.path;
  if (!(cause instanceof FormatsError)) return unreadable(path, cause);
  return new InventoryError('bad_manifest', `Scanning ${path}: ${messageOf(cause)}`, { cause, data: { path } });
}
