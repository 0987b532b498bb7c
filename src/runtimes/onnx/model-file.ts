/** Which file of a model an ONNX runtime is given, and how large all of it is. Spec: docs/spec/17-deployment.md §5.4. */
import type { Dirent } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { messageOf } from '../../core/index.ts';
import { RuntimeError } from '../errors.ts';
import { RUNTIMES_LIMITS } from '../limits.ts';
import { toWords } from '../words.ts';

export interface ModelFile {
  readonly path: string;
  /** Of the whole model, external data with it. */
  readonly totalBytes: number;
}

/** Throws RuntimeError `probe_failed`. */
export async function findModelFile(action: string, path: string, named: string | undefined): Promise<ModelFile> {
  try {
    const stats = await stat(path);
    if (!stats.isDirectory()) return { path, totalBytes: stats.size };
    return await findInFolder(path, named);
  } catch (thrown) {
    const data = { phase: 'load' };
    throw new RuntimeError('probe_failed', `${action}: ${toWords(messageOf(thrown), dirname(path))}`, {
      cause: thrown,
      data,
    });
  }
}

async function findInFolder(folder: string, named: string | undefined): Promise<ModelFile> {
  const files: string[] = [];
  let totalBytes = 0;
  for await (const path of filesUnder(folder)) {
    totalBytes += (await stat(path)).size;
    files.push(relative(folder, path));
  }
  return { path: join(folder, choose(files, named)), totalBytes };
}

function choose(files: readonly string[], named: string | undefined): string {
  if (named !== undefined && files.includes(named)) return named;
  const models = files.filter((file) => file.endsWith('.onnx'));
  const [only, ...more] = models.includes('model.onnx') ? ['model.onnx'] : models;
  if (only === undefined) throw new Error('there is no .onnx file in its folder');
  if (more.length > 0)
    throw new Error(`there are ${models.length} .onnx files; the manifest’s file says which one it is`);
  return only;
}

async function* filesUnder(folder: string): AsyncGenerator<string> {
  let left = RUNTIMES_LIMITS.folderEntries;
  const entries = await opendir(folder, { recursive: true });
  for await (const entry of entries as AsyncIterable<Dirent>) {
    left -= 1;
    if (left < 0) throw new Error(`its folder has more than ${RUNTIMES_LIMITS.folderEntries} entries`);
    if (!entry.isDirectory()) yield join(entry.parentPath, entry.name);
  }
}
