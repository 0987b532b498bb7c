/**
 * What is deployed here and how far it is, a row a model id, and what the owner pinned. Whoever writes the rows reads what is in
 * `because` and `detail`. A row that can not be read costs itself alone. Spec: docs/spec/09-registry.md §3.
 */
import type { ModelId, Sha256 } from '../core/index.ts';
import { type ModelManifest, parseManifest } from '../protocol/index.ts';
import type { Database, Row } from './database.ts';

export interface StoredDeployment {
  readonly modelId: ModelId;
  readonly version: string;
  readonly sha256: Sha256;
  readonly status: string;
  readonly step: string;
  readonly because: Readonly<Record<string, unknown>>;
  readonly manifest: ModelManifest;
  readonly previous: ModelManifest | undefined;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly updatedAtMs: number;
}

export interface DeploymentRepository {
  put(row: StoredDeployment): void;
  delete(modelId: ModelId): void;
  /** By model id. Rows that are no deployments any more are left out. */
  list(): StoredDeployment[];
}

export interface ModelPin {
  readonly modelId: ModelId;
  readonly version: string;
  readonly sha256: Sha256;
  readonly pinnedAtMs: number;
}

export interface PinRepository {
  put(pin: ModelPin): void;
  /** False when it was not pinned. */
  delete(modelId: ModelId): boolean;
  list(): ModelPin[];
}

export function createDeployments(db: Database): DeploymentRepository {
  return {
    put({ modelId, version, sha256, status, step, because, manifest, previous, detail, updatedAtMs }) {
      db.run(
        'INSERT OR REPLACE INTO deployments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...[modelId, version, sha256, status, step, JSON.stringify(because), JSON.stringify(manifest)],
        ...[previous === undefined ? null : JSON.stringify(previous), JSON.stringify(detail), Math.trunc(updatedAtMs)],
      );
    },
    delete(modelId) {
      db.run('DELETE FROM deployments WHERE model_id = ?', modelId);
    },
    list: () => db.all('SELECT * FROM deployments ORDER BY model_id').flatMap(toDeployment),
  };
}

export function createPins(db: Database): PinRepository {
  return {
    put({ modelId, version, sha256, pinnedAtMs }) {
      db.run('INSERT OR REPLACE INTO model_pins VALUES (?, ?, ?, ?)', modelId, version, sha256, Math.trunc(pinnedAtMs));
    },
    delete: (modelId) => db.run('DELETE FROM model_pins WHERE model_id = ?', modelId) > 0,
    list: () =>
      db.all('SELECT * FROM model_pins ORDER BY model_id').map((row) => ({
        modelId: row.model_id as ModelId,
        version: row.version as string,
        sha256: row.sha256 as Sha256,
        pinnedAtMs: row.pinned_at as number,
      })),
  };
}

function toDeployment(row: Row): StoredDeployment[] {
  try {
    return [
      {
        modelId: row.model_id as ModelId,
        version: row.version as string,
        sha256: row.sha256 as Sha256,
        status: row.status as string,
        step: row.step as string,
        because: JSON.parse(row.because as string) as Record<string, unknown>,
        manifest: parseManifest(JSON.parse(row.manifest as string)),
        previous: row.previous === null ? undefined : parseManifest(JSON.parse(row.previous as string)),
        detail: JSON.parse(row.detail as string) as Record<string, unknown>,
        updatedAtMs: row.updated_at as number,
      },
    ];
  } catch {
    return [];
  }
}
