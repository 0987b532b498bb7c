/** Small values of the node that are not configuration: JSON by key. Readers check what they get. */
import type { Database } from './database.ts';

export interface SettingsRepository {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
  delete(key: string): void;
}

export function createSettings(db: Database): SettingsRepository {
  return {
    get(key) {
      const row = db.get('SELECT value FROM settings WHERE key = ?', key);
      return row === undefined ? undefined : (JSON.parse(row.value as string) as unknown);
    },
    set(key, value) {
      db.run('INSERT OR REPLACE INTO settings VALUES (?, ?)', key, JSON.stringify(value ?? null));
    },
    delete(key) {
      db.run('DELETE FROM settings WHERE key = ?', key);
    },
  };
}
