/** What the header probe knows of formats: every header of a model is read to its end. Spec: docs/spec/17-deployment.md §5.1. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  describeModelFile,
  extensionOf,
  type HeaderSource,
  isModelFileName,
  readGguf,
  readOnnx,
  readSafetensors,
} from '../../formats/index.ts';
import type { ModelManifest } from '../../protocol/index.ts';
import { RuntimeError } from '../../runtimes/index.ts';
import { withSource } from '../gate/inspect-files.ts';

type Format = ModelManifest['format'];

const READERS: Partial<Record<Format, (source: HeaderSource) => Promise<unknown>>> = {
  gguf: readGguf,
  safetensors: readSafetensors,
  onnx: readOnnx,
};

/** A file is what its manifest says, whatever its name; in a folder names tell. Throws FormatsError, RuntimeError `probe_failed`. */
export async function checkHeader(path: string, format: Format, signal: AbortSignal): Promise<void> {
  const stats = await stat(path);
  const files = stats.isDirectory() ? await modelFilesIn(path, format) : [path];
  for (const file of files) {
    signal.throwIfAborted();
    await withSource(file, (source) => readHeader(source, basename(file), format));
  }
}

async function readHeader(source: HeaderSource, name: string, format: Format): Promise<void> {
  const read = READERS[format];
  if (read !== undefined) return void (await read(source));
  const { damage } = await describeModelFile(source, name);
  if (damage !== undefined) throw damage;
}

async function modelFilesIn(folder: string, format: Format): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const isOne = (name: string) => (format in READERS ? extensionOf(name) === format : isModelFileName(name));
  const files = names.filter((name) => isOne(basename(name))).map((name) => join(folder, name));
  if (files.length > 0) return files.sort();
  throw new RuntimeError(
    'probe_failed',
    `Reading the headers in ${basename(folder)}: there is no ${format} file in it`,
  );
}
