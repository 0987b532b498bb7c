/** Sources that the owner has agreed to take models from. Spec: docs/spec/20-access.md §5. */
import type { Database } from './database.ts';

export interface Consent {
  readonly source: string;
  readonly givenAtMs: number;
  /** `command`, `flag`. */
  readonly how: string;
}

export interface ConsentRepository {
  has(source: string): boolean;
  /** One that was given before stays as it was. */
  put(consent: Consent): void;
  /** False where there was none. */
  delete(source: string): boolean;
  list(): Consent[];
}

export function createConsents(db: Database): ConsentRepository {
  return {
    has: (source) => db.get('SELECT 1 FROM consents WHERE source = ?', source) !== undefined,
    put({ source, givenAtMs, how }) {
      db.run('INSERT OR IGNORE INTO consents VALUES (?, ?, ?)', source, givenAtMs, how);
    },
    delete: (source) => db.run('DELETE FROM consents WHERE source = ?', source) > 0,
    list: () =>
      db.all('SELECT * FROM consents ORDER BY given_at, source').map((row) => ({
        source: String(row.source),
        givenAtMs: Number(row.given_at),
        how: String(row.how),
      })),
  };
}
