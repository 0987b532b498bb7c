import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openHome, writeLocalToken } from './home.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'home-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

test('openHome() makes a folder that its owner alone may read, and takes one that is open to others back', async () => {
  const path = join(folder, 'new');
  await openHome(path);
  expect([modeOf(path), modeOf(join(path, 'run')), modeOf(join(path, 'db'))]).toEqual([0o700, 0o700, 0o700]);
  chmodSync(path, 0o755);
  await openHome(path);
  expect(modeOf(path)).toBe(0o700);
});

test('openHome() says which folder cannot be a home', async () => {
  const path = join(folder, 'file');
  writeFileSync(path, '');
  await expect(openHome(path)).rejects.toMatchObject({
    code: 'home_unusable',
    message: `Opening the home ${path}: EEXIST, wanted a folder that I may write`,
  });
});

test('writeLocalToken() gives each start another secret, readable by the owner alone', async () => {
  const home = await openHome(folder);
  const first = await writeLocalToken(home);
  const second = await writeLocalToken(home);
  expect(second).not.toBe(first);
  expect(await readFile(home.tokenFile, 'utf8')).toBe(`${second}\n`);
  expect(modeOf(home.tokenFile)).toBe(0o600);
  expect(await readdir(join(folder, 'run'))).toEqual(['token']);
});
