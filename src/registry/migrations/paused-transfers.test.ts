import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../database.ts';
import { MIGRATIONS } from './index.ts';

test('a database of the first program keeps its transfers, and may pause them from now on', () => {
  const folder = mkdtempSync(join(tmpdir(), 'atmosphere-migration-'));
  const path = join(folder, 'node.sqlite');
  const insert = (state: string) =>
    `INSERT INTO transfers VALUES ('${state}', 'org/a', '1', 'ab', '${state}', 1, 2, 3, 4, NULL, NULL, NULL, '[]', '{}')`;
  try {
    const before = openDatabase(path, MIGRATIONS.slice(0, 1));
    before.run(insert('Downloading'));
    expect(() => before.run(insert('Paused'))).toThrow();
    before.close();
    const after = openDatabase(path, MIGRATIONS);
    after.run(insert('Paused'));
    expect(after.all('SELECT state FROM transfers ORDER BY rowid')).toEqual([
      { state: 'Downloading' },
      { state: 'Paused' },
    ]);
    expect(() => after.run(insert('Sleeping'))).toThrow();
    after.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
