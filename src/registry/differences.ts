/**
 * Which differences between two contents are in the store: what they go from and to, and the blob that is the difference. A cache:
 * a row may go at any time. Spec: docs/spec/22-differences.md.
 */
import type { Sha256 } from '../core/index.ts';
import type { Database, Row } from './database.ts';

export interface StoredDifference {
  readonly base: Sha256;
  readonly target: Sha256;
  /** The difference itself. */
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly madeAtMs: number;
  /** When it was last given or applied. */
  readonly usedAtMs: number;
  /** The models whose readers may read it: of the base one, and of the target one. Content that has left has no models any more. */
  readonly baseModels: readonly string[];
  readonly targetModels: readonly string[];
}

export interface DifferenceRepository {
  put(difference: StoredDifference): void;
  get(base: Sha256, target: Sha256): StoredDifference | undefined;
  /** From whatever base, smallest first. */
  to(target: Sha256): StoredDifference[];
  /** Unused for longest first. */
  list(): StoredDifference[];
  touch(base: Sha256, target: Sha256, usedAtMs: number): void;
  delete(base: Sha256, target: Sha256): boolean;
}

export function createDifferences(db: Database): DifferenceRepository {
  return {
    put({ base, target, sha256, sizeBytes, madeAtMs, usedAtMs, baseModels, targetModels }) {
      const times = [madeAtMs, usedAtMs].map(Math.trunc);
      const models = [baseModels, targetModels].map((ids) => JSON.stringify(ids));
      const values = [base, target, sha256, sizeBytes, ...times, ...models];
      db.run('INSERT OR REPLACE INTO differences VALUES (?, ?, ?, ?, ?, ?, ?, ?)', ...values);
    },
    get(base, target) {
      const row = db.get('SELECT * FROM differences WHERE base = ? AND target = ?', base, target);
      return row === undefined ? undefined : toDifference(row);
    },
    to: (target) =>
      db.all('SELECT * FROM differences WHERE target = ? ORDER BY size_bytes, base', target).map(toDifference),
    list: () => db.all('SELECT * FROM differences ORDER BY used_at, base, target').map(toDifference),
    touch(base, target, usedAtMs) {
      db.run('UPDATE differences SET used_at = ? WHERE base = ? AND target = ?', Math.trunc(usedAtMs), base, target);
    },
    delete: (base, target) => db.run('DELETE FROM differences WHERE base = ? AND target = ?', base, target) > 0,
  };
}

function toDifference(row: Row): StoredDifference {
  return {
    base: row.base as Sha256,
    target: row.target as Sha256,
    sha256: row.sha256 as Sha256,
    sizeBytes: row.size_bytes as number,
    madeAtMs: row.made_at as number,
    usedAtMs: row.used_at as number,
    baseModels: JSON.parse(row.base_models as string) as string[],
    targetModels: JSON.parse(row.target_models as string) as string[],
  };
}
