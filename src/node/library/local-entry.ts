/** A local model in its two other shapes: as found on disk, and as the entry the mesh is told. Pure. */
import { createHash } from 'node:crypto';
import { pieceListOf, toPieceList } from '../../content/index.ts';
import { type PieceRoot, parseSha256, type Sha256 } from '../../core/index.ts';
import type { FileHashes, FoundFile, FoundModel } from '../../inventory/index.ts';
import {
  type FileSetFile,
  fileSetBytes,
  type ModelEntry,
  modelEntrySchema,
  PROTOCOL_LIMITS,
  toFileSet,
} from '../../protocol/index.ts';
import type { LocalModel, LocalModelFile } from '../../registry/index.ts';

/** What a model's description holds beyond its columns. */
export interface Description {
  readonly capabilities: readonly string[];
  readonly isFileSet: boolean;
  readonly pieceRoot?: PieceRoot;
  readonly fileListBytes?: number;
  readonly baseModel?: string;
  readonly quantization?: string;
  readonly paramsBillions?: number;
  readonly contextLength?: number;
  readonly classes?: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Why it is not offered. */
  readonly problem?: string;
  /** It came over the mesh; its bytes are the store's. */
  readonly isPulled?: boolean;
  /** Whom it was pulled from, mostly. */
  readonly sourceNode?: string;
  /** Folder or file for people and runtimes. */
  readonly path?: string;
  readonly addedAtMs: number;
}

/** The blob that names a model of several files. */
export interface FileListBlob {
  readonly bytes: Buffer;
  readonly sha256: Sha256;
  readonly pieceRoot: PieceRoot;
  readonly pieceHashes: Buffer;
}

export function descriptionOf(model: LocalModel): Description {
  return model.description as unknown as Description;
}

export function makeFileList(files: readonly FileSetFile[]): FileListBlob {
  const bytes = fileSetBytes(toFileSet(files));
  const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex'));
  const list = pieceListOf(bytes);
  return { bytes, sha256, pieceRoot: list.root, pieceHashes: list.hashes };
}

/** As found, not hashed yet: listed here and told to nobody. */
export function toFoundRow(found: FoundModel, nowMs: number): LocalModel {
  const problem = found.damaged;
  return {
    ...columnsOf(found),
    sha256: undefined,
    state: problem === undefined ? 'found' : 'damaged',
    description: toDescription(found, nowMs, problem === undefined ? {} : { problem }),
    files: found.files.map((file) => toFileRow(file, undefined)),
  };
}

/** Every byte hashed. For a set, `list` is its file list. */
export function toReadyRow(
  found: FoundModel,
  hashes: ReadonlyMap<FoundFile, FileHashes>,
  list: FileListBlob | undefined,
  nowMs: number,
): LocalModel {
  const files = found.files.map((file) => toFileRow(file, hashes.get(file)));
  const [only] = files;
  const pieceRoot = list?.pieceRoot ?? only?.pieceRoot;
  const path = list === undefined ? only?.absolutePath : commonFolder(found.files);
  const more = {
    ...(pieceRoot === undefined ? {} : { pieceRoot }),
    ...(list === undefined ? {} : { fileListBytes: list.bytes.length }),
    ...(path === undefined ? {} : { path }),
  };
  return {
    ...columnsOf(found),
    sha256: list?.sha256 ?? only?.sha256,
    state: 'ready',
    description: toDescription(found, nowMs, more),
    files,
  };
}

/** The entry of a model that is ready; undefined for any other. Made once for a row. */
export function toEntry(model: LocalModel): ModelEntry | undefined {
  if (!ENTRIES.has(model)) ENTRIES.set(model, makeEntry(model));
  return ENTRIES.get(model);
}

const ENTRIES = new WeakMap<LocalModel, ModelEntry | undefined>();

function makeEntry(model: LocalModel): ModelEntry | undefined {
  const description = descriptionOf(model);
  if (model.state !== 'ready' || model.sha256 === undefined || description.pieceRoot === undefined) return undefined;
  const [only] = model.files;
  const { classes } = description;
  const parsed = modelEntrySchema.safeParse({
    model_id: model.modelId,
    name: model.name,
    type: model.type,
    format: model.format,
    size_bytes: model.sizeBytes,
    sha256: model.sha256,
    version: model.version,
    capabilities: description.capabilities,
    source: model.source,
    source_ref: model.source === 'imported' ? '' : model.sourceRef,
    base_model: description.baseModel ?? null,
    classes: classes !== undefined && classes.length <= MAX_CLASSES_IN_GOSSIP ? classes : null,
    class_count: classes?.length ?? null,
    quantization: description.quantization ?? null,
    params_billions: description.paramsBillions ?? null,
    context_length: description.contextLength ?? null,
    unsafe: model.unsafe ? true : null,
    piece_root: description.pieceRoot,
    ...(description.isFileSet
      ? { file_count: model.files.length, file_list_bytes: description.fileListBytes }
      : { file: only?.path }),
    metadata: boundedMetadata(description.metadata),
  });
  return parsed.success && JSON.stringify(parsed.data).length <= PROTOCOL_LIMITS.catalogEntryBytes
    ? parsed.data
    : undefined;
}

const MAX_CLASSES_IN_GOSSIP = 100;

function boundedMetadata(metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return JSON.stringify(metadata).length <= PROTOCOL_LIMITS.metadataBytes ? metadata : {};
}

function columnsOf(found: FoundModel) {
  const { modelId, version, name, type, format, sizeBytes, source, sourceRef, unsafe } = found;
  return { modelId, version, name, type, format, sizeBytes, source, sourceRef, unsafe, public: false };
}

function toDescription(
  found: FoundModel,
  nowMs: number,
  more: Partial<Description>,
): Readonly<Record<string, unknown>> {
  const { capabilities, isFileSet, baseModel, quantization, paramsBillions, contextLength, classes, metadata } = found;
  const facts = { baseModel, quantization, paramsBillions, contextLength, classes };
  const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
  return { capabilities, isFileSet, metadata, addedAtMs: nowMs, ...known, ...more };
}

function toFileRow(file: FoundFile, hashes: FileHashes | undefined): LocalModelFile {
  const { path, absolutePath, fingerprint } = file;
  const { sizeBytes, mtimeNs, inode, device } = fingerprint;
  const root = hashes === undefined ? undefined : toPieceList(sizeBytes, hashes.pieceHashes).root;
  return {
    path,
    absolutePath,
    sizeBytes,
    sha256: hashes?.sha256,
    pieceRoot: root,
    fingerprint: { mtimeNs, inode, device },
  };
}

/** The folder that holds all files at their relative paths, if there is one (not so where names differ, as in Ollama's store). */
function commonFolder(files: readonly FoundFile[]): string | undefined {
  const [first] = files;
  if (first === undefined || !first.absolutePath.endsWith(`/${first.path}`)) return undefined;
  const folder = first.absolutePath.slice(0, -first.path.length - 1);
  return files.every((file) => file.absolutePath === `${folder}/${file.path}`) ? folder : undefined;
}
