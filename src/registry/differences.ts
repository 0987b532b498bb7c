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
}

export interface DifferenceRepository {
  put(difference: StoredDifference): void;
  get(base: Sha256, target: Sha256): StoredDifference | undefined;
  /** From whatever base, smallest first. */
  to(target: Sha256): StoredDifference[];
  /** Oldest first. */
  list(): StoredDifference[];
  delete(base: Sha256, target: Sha256): boolean;
}

export function createDifferences(db: Database): DifferenceRepository {
  return {
    put({ base, target, sha256, sizeBytes, madeAtMs }) {
      const values = [base, target, sha256, sizeBytes, Math.trunc(madeAtMs)] as const;
      db.run('INSERT OR REPLACE INTO differences VALUES (?, ?, ?, ?, ?)', ...values);
    },
    get(base, target) {
      const row = db.get('SELECT * FROM differences WHERE base = ? AND target = ?', base, target);
      return row === undefined ? undefined : toDifference(row);
    },
    to: (target) =>
      db.all('SELECT * FROM differences WHERE target = ? ORDER BY size_bytes, base', target).map(toDifference),
    list: () => db.all('SELECT * FROM differences ORDER BY made_at, base, target').map(toDifference),
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
  };
}
