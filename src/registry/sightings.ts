/** When a content was first heard of here, under which name and version. Spec: docs/spec/09-registry.md §9. */
import type { ModelId, Sha256 } from '../core/index.ts';
import type { Database, Row } from './database.ts';
import { REGISTRY_LIMITS } from './limits.ts';

export interface Sighting {
  readonly modelId: ModelId;
  readonly version: string;
  readonly sha256: Sha256;
  readonly firstSeenMs: number;
}

export interface SightingRepository {
  /** What is known keeps its time. Answers whether any was new; the oldest go when there are too many. */
  note(contents: readonly Omit<Sighting, 'firstSeenMs'>[], nowMs: number): boolean;
  /** Of one model, or all, by name and version. */
  list(modelId?: string): Sighting[];
}

const DROP_OLDEST = `DELETE FROM model_sightings WHERE (model_id, version, sha256) IN
  (SELECT model_id, version, sha256 FROM model_sightings ORDER BY first_seen, model_id LIMIT ?)`;

export function createSightings(db: Database): SightingRepository {
  const insert = ({ modelId, version, sha256 }: Omit<Sighting, 'firstSeenMs'>, nowMs: number): number =>
    db.run('INSERT OR IGNORE INTO model_sightings VALUES (?, ?, ?, ?)', modelId, version, sha256, Math.trunc(nowMs));
  const dropSurplus = (): void => {
    const count = Number(db.get('SELECT count(*) AS n FROM model_sightings')?.n ?? 0);
    if (count > REGISTRY_LIMITS.sightings) db.run(DROP_OLDEST, count - REGISTRY_LIMITS.sightings);
  };
  return {
    note: (contents, nowMs) =>
      db.transaction(() => {
        const added = contents.reduce((sum, content) => sum + insert(content, nowMs), 0);
        if (added > 0) dropSurplus();
        return added > 0;
      }),
    list(modelId) {
      const rows =
        modelId === undefined
          ? db.all('SELECT * FROM model_sightings ORDER BY model_id, version, sha256')
          : db.all('SELECT * FROM model_sightings WHERE model_id = ? ORDER BY version, sha256', modelId);
      return rows.map(toSighting);
    },
  };
}

function toSighting({ model_id, version, sha256, first_seen }: Row): Sighting {
  return {
    modelId: model_id as ModelId,
    version: version as string,
    sha256: sha256 as Sha256,
    firstSeenMs: first_seen as number,
  };
}
