/** The files of a model, each judged by its content. What an ONNX model names as its data is told from files without a form. */
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type FileInspection,
  FormatsError,
  type HeaderSource,
  inspectModelFile,
  readOnnx,
} from '../../formats/index.ts';

export interface InspectedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly inspection: FileInspection;
}

export interface FileToInspect {
  /** Within the model. */
  readonly path: string;
  readonly absolutePath: string;
}

/** One after the other: a listing is work. Errors of the disk pass through. */
export async function inspectFiles(files: readonly FileToInspect[], signal?: AbortSignal): Promise<InspectedFile[]> {
  const tensorData = await dataFilesOf(files);
  const inspected: InspectedFile[] = [];
  for (const file of files) {
    signal?.throwIfAborted();
    inspected.push(
      await withSource(file.absolutePath, async (source) => ({
        path: file.path,
        sizeBytes: source.sizeBytes,
        inspection: await inspectModelFile(source, basename(file.path), { isTensorData: tensorData.has(file.path) }),
      })),
    );
  }
  return inspected;
}

/** Beside the model that names them. */
async function dataFilesOf(files: readonly FileToInspect[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const { path, absolutePath } of files) {
    if (!path.endsWith('.onnx')) continue;
    for (const name of await withSource(absolutePath, readDataFiles)) found.add(join(dirname(path), name));
  }
  return found;
}

async function readDataFiles(source: HeaderSource): Promise<readonly string[]> {
  try {
    return (await readOnnx(source)).dataFiles;
  } catch (thrown) {
    if (thrown instanceof FormatsError) return [];
    throw thrown;
  }
}

export async function withSource<Result>(
  path: string,
  use: (source: HeaderSource) => Promise<Result>,
): Promise<Result> {
  await using file: FileHandle = await open(path, 'r');
  const { size } = await file.stat();
  return await use({
    sizeBytes: size,
    read: async (buffer, position) => (await file.read(buffer, 0, buffer.length, position)).bytesRead,
  });
}
