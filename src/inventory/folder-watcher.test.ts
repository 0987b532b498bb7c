import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FolderWatcher } from './folder-watcher.ts';

let root = '';
let watcher: FolderWatcher | undefined;
let changed: string[] = [];
let wake: (() => void)[] = [];
let limits = 0;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'folder-watcher-')));
  [changed, wake, limits] = [[], [], 0];
});
afterEach(async () => {
  watcher?.close();
  await rm(root, { recursive: true, force: true });
});

function openWatcher(mostFolders: number): FolderWatcher {
  watcher = new FolderWatcher({
    mostFolders,
    onChange: (folder) => {
      changed.push(folder);
      for (const one of wake.splice(0)) one();
    },
    onLimit: () => {
      limits += 1;
    },
  });
  return watcher;
}

const nextChange = () => new Promise<void>((resolve) => wake.push(resolve));

test('FolderWatcher tells which folder changed', async () => {
  openWatcher(10).add(root);
  const change = nextChange();
  await writeFile(join(root, 'a'), 'x');
  await change;
  expect(changed[0]).toBe(root);
});

test('FolderWatcher watches a folder anew that was removed and made again', async () => {
  const folder = join(root, 'a');
  await mkdir(folder);
  const opened = openWatcher(10);
  opened.add(folder);
  const removal = nextChange();
  await rm(folder, { recursive: true });
  await removal;
  await mkdir(folder);
  opened.add(folder);
  const change = nextChange();
  await writeFile(join(folder, 'b'), 'x');
  await change;
  expect(changed.at(-1)).toBe(folder);
});

test('FolderWatcher watches no more folders than it may, and tells so once', async () => {
  const folders = ['a', 'b', 'c'].map((name) => join(root, name));
  for (const folder of folders) await mkdir(folder);
  const opened = openWatcher(1);
  for (const folder of folders) opened.add(folder);
  expect(limits).toBe(1);
  opened.keepOnly(new Set());
  opened.add(folders[2] ?? '');
  const change = nextChange();
  await writeFile(join(root, 'c/x'), 'x');
  await change;
  expect(changed).toEqual(expect.arrayContaining([folders[2]]));
});

test('FolderWatcher leaves a folder alone that is not there', () => {
  openWatcher(10).add(join(root, 'nothing'));
  expect(limits).toBe(0);
});
