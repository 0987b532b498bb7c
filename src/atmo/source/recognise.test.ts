import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rawArchive } from '../../testkit/raw-archive.ts';
import { writeParts } from '../parts/parts.fixture.ts';
import { openPackageSource } from './open-package-source.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recognise-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test.each<[string, Buffer | string, RegExp]>([
  ['an empty file', '', /it is empty/],
  ['a gzip file', gzipSync('x'), /compressed with gzip/],
  ['a model', 'GGUF\u0003\u0000\u0000\u0000', /a GGUF model/],
  ['other JSON', '{"type": "other"}', /JSON, and no index of parts/],
  ['anything', Buffer.alloc(4_000, 9), /a file of another sort/],
  [
    'a zip archive of something else',
    rawArchive({ members: [{ path: 'a', content: Buffer.from('a') }] }),
    /it has no manifest\.yaml/,
  ],
  ['an archive of nothing', rawArchive({ members: [] }), /it has no manifest\.yaml/],
])('openPackageSource() says what %s is, and what was wanted', async (_, content, words) => {
  const path = join(folder, 'given');
  await writeFile(path, content);
  await expect(openPackageSource(path)).rejects.toMatchObject({
    code: 'not_a_package',
    message: expect.stringMatching(words),
  });
});

test('openPackageSource() opens what lies in a folder where that is one package, and else says what lies there', async () => {
  await expect(openPackageSource(folder)).rejects.toMatchObject({
    code: 'not_a_package',
    message: expect.stringMatching(/folder without manifest\.yaml;/),
  });
  await writeParts(folder);
  await using source = await openPackageSource(folder);
  expect(source.name).toBe('site-v1.atmo');
  await writeFile(join(folder, 'site-v2.atmo.003'), 'x');
  await expect(openPackageSource(folder)).rejects.toThrow(/in it lie site-v1\.atmo, site-v2\.atmo: say which/);
});

test('openPackageSource() says of nothing, and of a device, what it is', async () => {
  const refused = (words: string) => ({ code: 'not_a_package', message: expect.stringContaining(words) });
  await expect(openPackageSource(join(folder, 'gone'))).rejects.toMatchObject(
    refused('there is no such file or folder'),
  );
  await expect(openPackageSource('/dev/null')).rejects.toMatchObject(refused('neither a file nor a folder'));
});

test('a link that the user names is followed', async () => {
  await writeFile(
    join(folder, 'v1.atmo'),
    rawArchive({ members: [{ path: 'manifest.yaml', content: Buffer.from('m') }] }),
  );
  await symlink('v1.atmo', join(folder, 'latest.atmo'));
  await using source = await openPackageSource(join(folder, 'latest.atmo'));
  expect(source.entries).toHaveLength(1);
});

test('an archive is known by its content, not by its name', async () => {
  const members = [{ path: 'manifest.yaml', content: Buffer.from('m') }];
  await writeFile(join(folder, 'holiday.jpg'), rawArchive({ members }));
  await using source = await openPackageSource(join(folder, 'holiday.jpg'));
  expect(source.entries).toEqual([{ path: 'manifest.yaml', sizeBytes: 1 }]);
});

test('a manifest that is a link makes no package', async () => {
  await mkdir(join(folder, 'p'));
  await symlink('/etc/hostname', join(folder, 'p', 'manifest.yaml'));
  await expect(openPackageSource(join(folder, 'p'))).rejects.toMatchObject({ code: 'not_a_package' });
});
