/**
 * What is remembered of manifests beyond the mesh's records: the owner's words, the manifest that was signed here or came with
 * the model, and the largest revision ever taken. Spec: docs/spec/16-manifests.md §8, §10.
 */
import type { ModelId, Sha256 } from '../core/index.ts';
import { type ModelManifest, parseManifest } from '../protocol/index.ts';
import type { Database, Row } from './database.ts';

export interface ManifestRowKey {
  readonly modelId: ModelId;
  readonly version: string;
  readonly sha256: Sha256;
}

export interface StoredManifest extends ManifestRowKey {
  /** Fields that the owner gave instead of what is generated; null for one that is not to be. */
  readonly words: Readonly<Record<string, unknown>>;
  /** Signed here last, or come with the model. */
  readonly kept: ModelManifest | undefined;
}

export interface ManifestRepository {
  get(key: ManifestRowKey): StoredManifest | undefined;
  put(row: StoredManifest, nowMs: number): void;
  /** By id, version and digest; rows that only remember a revision are left out. */
  list(): StoredManifest[];
  /** The largest revision taken, 0 where there was none. */
  revisionOf(key: ManifestRowKey): number;
  /** Never lowers it. */
  raiseRevision(key: ManifestRowKey, revision: number, nowMs: number): void;
}

const BY_KEY = 'model_id = ? AND version = ? AND sha256 = ?';
const INSERT =
  'INSERT INTO manifests VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (model_id, version, sha256) DO UPDATE SET';

export function createManifests(db: Database): ManifestRepository {
  return {
    get({ modelId, version, sha256 }) {
      const row = db.get(`SELECT * FROM manifests WHERE ${BY_KEY}`, modelId, version, sha256);
      return row === undefined ? undefined : toStored(row);
    },
    put({ modelId, version, sha256, words, kept }, nowMs) {
      const json = kept === undefined ? null : JSON.stringify(kept);
      const values = [modelId, version, sha256, JSON.stringify(words), json, kept?.revision ?? 0, Math.trunc(nowMs)];
      db.run(
        `${INSERT} words = excluded.words, kept = excluded.kept, revision = max(revision, excluded.revision),
         updated_at = excluded.updated_at`,
        ...values,
      );
    },
    list: () =>
      db
        .all("SELECT * FROM manifests WHERE kept IS NOT NULL OR words <> '{}' ORDER BY model_id, version, sha256")
        .map(toStored),
    revisionOf: ({ modelId, version, sha256 }) =>
      Number(db.get(`SELECT revision FROM manifests WHERE ${BY_KEY}`, modelId, version, sha256)?.revision ?? 0),
    raiseRevision({ modelId, version, sha256 }, revision, nowMs) {
      db.run(
        `${INSERT} revision = max(revision, excluded.revision)`,
        ...[modelId, version, sha256, '{}', null, revision, Math.trunc(nowMs)],
      );
    },
  };
}

function toStored(row: Row): StoredManifest {
  return {
    modelId: row.model_id as ModelId,
    version: row.version as string,
    sha256: row.sha256 as Sha256,
    words: JSON.parse(row.words as string) as Record<string, unknown>,
    kept: readKept(row.kept as string | null),
  };
}

/** One that an older program wrote and this one does not take is generated again. */
function readKept(json: string | null): ModelManifest | undefined {
  try {
    return json === null ? undefined : parseManifest(JSON.parse(json));
  } catch {
    return undefined;
  }
}
