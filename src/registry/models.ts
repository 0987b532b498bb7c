/**
 * The models on this machine. Two digests under one id and version are two rows, never merged; a
 * model whose digest is not known yet is known by where it comes from. Spec: docs/spec/09-registry.md §3.
 */
import type { ModelId, PieceRoot, Sha256 } from '../core/index.ts';
import type { ModelFormat, ModelType } from '../protocol/index.ts';
import type { Database, Row } from './database.ts';

export type LocalModelState = 'found' | 'hashing' | 'ready' | 'damaged' | 'missing';

export interface LocalModelFile {
  /** Path inside the model. */
  readonly path: string;
  readonly absolutePath: string;
  readonly sizeBytes: number;
  readonly sha256?: Sha256 | undefined;
  readonly pieceRoot?: PieceRoot | undefined;
  /** The file's state when it was found or hashed. */
  readonly fingerprint?: FileFingerprintFields | undefined;
}

export interface FileFingerprintFields {
  readonly mtimeNs: bigint;
  readonly inode: bigint;
  readonly device: bigint;
}

export interface LocalModel {
  readonly modelId: ModelId;
  readonly version: string;
  readonly name: string;
  readonly type: ModelType;
  readonly format: ModelFormat;
  readonly sizeBytes: number;
  /** Undefined until hashed. */
  readonly sha256?: Sha256 | undefined;
  readonly source: string;
  readonly sourceRef: string;
  readonly state: LocalModelState;
  readonly unsafe: boolean;
  /** The owner lets everybody have it. */
  readonly public: boolean;
  /** Whatever else describes it: capabilities, quantization, parameters. */
  readonly description: Readonly<Record<string, unknown>>;
  readonly files: readonly LocalModelFile[];
}

export type LocalModelKey = Pick<LocalModel, 'modelId' | 'version' | 'sha256' | 'source' | 'sourceRef'>;

export interface ModelRepository {
  put(model: LocalModel): void;
  /** One transaction: all or none. */
  putAll(models: readonly LocalModel[]): void;
  delete(key: LocalModelKey): boolean;
  /** By id, then version as text. */
  list(): LocalModel[];
  /** Every version and variant of an id. */
  get(modelId: ModelId): LocalModel[];
  setState(key: LocalModelKey, state: LocalModelState): boolean;
  setPublic(modelId: ModelId, isPublic: boolean): number;
}

const UPSERT = `
INSERT INTO models (model_id, version, content, name, type, format, size_bytes, sha256, source, source_ref, state, unsafe,
  public, description) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (model_id, version, content) DO UPDATE SET name = excluded.name, type = excluded.type,
  format = excluded.format, size_bytes = excluded.size_bytes, sha256 = excluded.sha256, source = excluded.source,
  source_ref = excluded.source_ref, state = excluded.state, unsafe = excluded.unsafe, public = excluded.public,
  description = excluded.description
RETURNING id`;
const INSERT_FILE = `
INSERT INTO model_files (model, ordinal, path, absolute_path, size_bytes, sha256, piece_root, mtime_ns, inode, device)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const BY_KEY = 'model_id = ? AND version = ? AND content = ?';
const ORDER = 'ORDER BY model_id, version, content';

export function createModelRepository(db: Database): ModelRepository {
  function put(model: LocalModel): void {
    if (model.sha256 !== undefined) forgetUnhashed(model);
    const { modelId, version, name, type, format, sizeBytes, sha256, source, sourceRef, state } = model;
    const flags = [Number(model.unsafe), Number(model.public)] as const;
    const description = JSON.stringify(model.description);
    const head = [modelId, version, contentOf(model), name, type, format, sizeBytes, sha256 ?? null] as const;
    const id = Number(db.get(UPSERT, ...head, source, sourceRef, state, ...flags, description)?.id);
    putFiles(id, model.files);
  }
  function putFiles(id: number, files: readonly LocalModelFile[]): void {
    db.run('DELETE FROM model_files WHERE model = ?', id);
    for (const [ordinal, file] of files.entries()) {
      const state = file.fingerprint;
      const place = [id, ordinal, file.path, file.absolutePath, file.sizeBytes] as const;
      const digests = [file.sha256 ?? null, file.pieceRoot ?? null] as const;
      db.run(INSERT_FILE, ...place, ...digests, text(state?.mtimeNs), text(state?.inode), text(state?.device));
    }
  }
  function forgetUnhashed({ modelId, version, source, sourceRef }: LocalModel): void {
    db.run(`DELETE FROM models WHERE ${BY_KEY}`, modelId, version, unhashedContent(source, sourceRef));
  }
  function select(where: string, ...values: string[]): LocalModel[] {
    const rows = db.all(`SELECT * FROM models WHERE ${where} ${ORDER}`, ...values);
    const files = db.all(
      `SELECT * FROM model_files WHERE model IN (SELECT id FROM models WHERE ${where}) ORDER BY model, ordinal`,
      ...values,
    );
    const byModel = Map.groupBy(files, (file) => file.model);
    return rows.map((row) => toModel(row, byModel.get(row.id) ?? []));
  }
  return {
    put: (model) => db.transaction(() => put(model)),
    putAll: (models) => db.transaction(() => models.forEach(put)),
    delete: (key) => db.run(`DELETE FROM models WHERE ${BY_KEY}`, key.modelId, key.version, contentOf(key)) > 0,
    list: () => select('TRUE'),
    get: (modelId) => select('model_id = ?', modelId),
    setState: (key, state) =>
      db.run(`UPDATE models SET state = ? WHERE ${BY_KEY}`, state, key.modelId, key.version, contentOf(key)) > 0,
    setPublic: (modelId, isPublic) =>
      db.run('UPDATE models SET public = ? WHERE model_id = ?', Number(isPublic), modelId),
  };
}

function contentOf({ sha256, source, sourceRef }: LocalModelKey): string {
  return sha256 ?? unhashedContent(source, sourceRef);
}

function unhashedContent(source: string, sourceRef: string): string {
  return `unhashed:${source}:${sourceRef}`;
}

function text(value: bigint | undefined): string | null {
  return value === undefined ? null : String(value);
}

function toModel(row: Row, files: readonly Row[]): LocalModel {
  return {
    modelId: row.model_id as ModelId,
    version: row.version as string,
    name: row.name as string,
    type: row.type as ModelType,
    format: row.format as ModelFormat,
    sizeBytes: row.size_bytes as number,
    sha256: (row.sha256 ?? undefined) as Sha256 | undefined,
    source: row.source as string,
    sourceRef: row.source_ref as string,
    state: row.state as LocalModelState,
    unsafe: row.unsafe === 1,
    public: row.public === 1,
    description: JSON.parse(row.description as string) as Record<string, unknown>,
    files: files.map(toFile),
  };
}

function toFile(row: Row): LocalModelFile {
  return {
    path: row.path as string,
    absolutePath: row.absolute_path as string,
    sizeBytes: row.size_bytes as number,
    sha256: (row.sha256 ?? undefined) as Sha256 | undefined,
    pieceRoot: (row.piece_root ?? undefined) as PieceRoot | undefined,
    fingerprint: toFingerprint(row),
  };
}

function toFingerprint(row: Row): FileFingerprintFields | undefined {
  if (row.mtime_ns === null) return undefined;
  return {
    mtimeNs: BigInt(row.mtime_ns as string),
    inode: BigInt(row.inode as string),
    device: BigInt(row.device as string),
  };
}
