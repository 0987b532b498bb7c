import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MiB } from '../../core/index.ts';
import { SeededBytes } from '../../testkit/seeded-bytes.ts';
import { FolderTarget } from './folder-target.ts';
import { openPackageSource } from './open-package-source.ts';

const CREATED = new Date('2026-03-04T05:06:08Z');
const LARGE = new SeededBytes(1).next(9 * MiB + 5);

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folder-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function put(path: string, content: string | Buffer = 'x'): Promise<string> {
  const file = join(folder, 'p', path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

test('a folder is written all at once, and read as it was written', async () => {
  const path = join(folder, 'p');
  await using target = new FolderTarget({ path, created: CREATED });
  await target.reserve('manifest.yaml', 3);
  const written = await target.add({
    path: 'models/large',
    sizeBytes: LARGE.length,
    content: LARGE,
    wantsPieceRoot: true,
  });
  await target.add({ path: 'empty', sizeBytes: 0, content: Buffer.alloc(0) });
  expect(await readdir(folder)).toEqual(['p.partial']);
  await expect(target.finish()).rejects.toMatchObject({ code: 'truncated' });
  await target.fill('manifest.yaml', Buffer.from('abc'));
  expect(await target.finish()).toEqual([{ path, sizeBytes: LARGE.length + 3 }]);
  expect(written.sha256).toHaveLength(64);
  expect((await stat(join(path, 'models/large'))).mtime).toEqual(CREATED);
  await using source = await openPackageSource(path);
  await source.checkLayout();
  expect(source.entries.map((entry) => entry.path)).toEqual(['manifest.yaml', 'empty', 'models/large']);
  const buffer = Buffer.alloc(LARGE.length);
  expect(await source.read('models/large', buffer, 0)).toBe(LARGE.length);
  expect(buffer.equals(LARGE)).toBe(true);
  expect(await source.read('models/large', buffer, LARGE.length - 2)).toBe(2);
  await expect(source.read('models', buffer, 0)).rejects.toMatchObject({ code: 'member_not_found' });
});

test('a folder that is not finished leaves nothing, and one that is there is kept', async () => {
  await put('manifest.yaml');
  {
    await using target = new FolderTarget({ path: join(folder, 'q'), created: CREATED });
    await target.add({ path: 'a', sizeBytes: 1, content: Buffer.from('a') });
  }
  expect(await readdir(folder)).toEqual(['p']);
  await using target = new FolderTarget({ path: join(folder, 'p'), created: CREATED });
  await expect(target.add({ path: 'a', sizeBytes: 1, content: Buffer.from('a') })).rejects.toMatchObject({
    code: 'already_there',
  });
});

test.each<[string, () => Promise<unknown>]>([
  ['a link to a file', async () => symlink('/etc/hostname', join(folder, 'p', 'models'))],
  ['a link to a folder', async () => symlink('/etc', join(folder, 'p', 'models'))],
  ['a link to a file of its own', async () => symlink('manifest.yaml', join(folder, 'p', 'other.yaml'))],
  ['a pipe', async () => promisify(execFile)('mkfifo', [join(folder, 'p', 'pipe')])],
  ['a name with a backslash', async () => put('a\\b')],
  ['two names that differ in case', async () => [await put('a/Read'), await put('a/read')]],
  ['a name of a Windows device', async () => put('models/aux.onnx')],
  ['folders in each other without end', async () => put(`${'d/'.repeat(40)}f`)],
])('openPackageSource() refuses a folder with %s', async (_, add) => {
  await put('manifest.yaml');
  await add();
  await expect(openPackageSource(join(folder, 'p'))).rejects.toMatchObject({ code: 'unsafe_member' });
});

test.each<[string, (file: string) => Promise<unknown>]>([
  ['grew', (file) => appendFile(file, 'more')],
  ['was touched', (file) => utimes(file, 1, 1)],
  ['was replaced', async (file) => [await rm(file), await writeFile(file, LARGE)]],
  ['became shorter', (file) => writeFile(file, 'less')],
])('a file that %s since the folder was listed gives no byte', async (_, change) => {
  await put('manifest.yaml');
  const file = await put('models/a', LARGE);
  await using source = await openPackageSource(join(folder, 'p'));
  const buffer = Buffer.alloc(MiB);
  expect(await source.read('models/a', buffer, 0)).toBe(MiB);
  await change(file);
  const wanted = { code: 'changed', data: { path: 'models/a' } };
  await expect(
    source.read('models/a', Buffer.alloc(10), 0).then(async () => source.checkLayout()),
  ).rejects.toMatchObject(wanted);
});

test('a file that became a link since the folder was listed is not followed', async () => {
  await put('manifest.yaml');
  const file = await put('models/a');
  await using source = await openPackageSource(join(folder, 'p'));
  await rm(file);
  await symlink('/etc/hostname', file);
  await expect(source.read('models/a', Buffer.alloc(9), 0)).rejects.toMatchObject({ code: 'unsafe_member' });
});

test('many files are read at once with few of them open', async () => {
  await put('manifest.yaml');
  for (let index = 0; index < 40; index += 1) await put(`f/${index}`, `content ${index}`);
  await using source = await openPackageSource(join(folder, 'p'));
  const texts = await Promise.all(
    source.entries.map(async ({ path, sizeBytes }) => {
      const buffer = Buffer.alloc(sizeBytes);
      await source.read(path, buffer, 0);
      return [path, buffer.toString()];
    }),
  );
  expect(Object.fromEntries(texts)).toMatchObject({ 'f/0': 'content 0', 'f/39': 'content 39' });
  const numbers = await readdir('/proc/self/fd').catch(() => []);
  const open = await Promise.all(numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => '')));
  expect(open.filter((path) => path.startsWith(folder)).length).toBeLessThanOrEqual(4);
});
