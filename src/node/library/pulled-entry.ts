/** The row of a model that came over the mesh. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { modelKindOf } from '../../protocol/index.ts';
import type { LocalModel, LocalModelFile } from '../../registry/index.ts';
import type { PulledModel } from '../pull/ports.ts';
import type { Description } from './local-entry.ts';

export interface PulledPlace {
  /** For people: the file, or the folder of a set. */
  readonly path: string;
  readonly folder: string;
  readonly nowMs: number;
}

export async function toPulledRow({ entry, files, sourceNode }: PulledModel, place: PulledPlace): Promise<LocalModel> {
  const { source, source_ref, base_model, quantization, params_billions, context_length, classes } = entry;
  const facts = {
    pieceRoot: entry.piece_root,
    fileListBytes: entry.file_list_bytes,
    baseModel: base_model,
    quantization,
    paramsBillions: params_billions,
    contextLength: context_length,
    classes,
    sourceNode,
  };
  const description: Description = {
    ...(Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Partial<Description>),
    capabilities: entry.capabilities,
    isFileSet: entry.file_count !== undefined,
    metadata: entry.metadata,
    isPulled: true,
    path: place.path,
    addedAtMs: place.nowMs,
  };
  return {
    modelId: entry.model_id,
    version: entry.version,
    name: entry.name,
    ...modelKindOf(entry),
    sizeBytes: entry.size_bytes,
    sha256: entry.sha256,
    source,
    sourceRef: source_ref,
    state: 'ready',
    unsafe: entry.unsafe ?? false,
    public: false,
    description: { ...description },
    files: await Promise.all(files.map((file) => toFileRow(file, place.folder))),
  };
}

async function toFileRow(file: PulledModel['files'][number], folder: string): Promise<LocalModelFile> {
  const absolutePath = join(folder, file.path);
  const { mtimeNs, ino, dev } = await stat(absolutePath, { bigint: true });
  return {
    path: file.path,
    absolutePath,
    sizeBytes: file.size_bytes,
    sha256: file.sha256,
    pieceRoot: file.piece_root,
    fingerprint: { mtimeNs, inode: ino, device: dev },
  };
}
