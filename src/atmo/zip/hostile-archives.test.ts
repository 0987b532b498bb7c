import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { badArchives } from '../../testkit/bad-archives.ts';
import { extraField, type RawArchive, rawArchive, u64 } from '../../testkit/raw-archive.ts';
import { openPackageSource } from '../source/open-package-source.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const GOOD = [
  { path: 'manifest.yaml', content: Buffer.from('package: {}\n') },
  { path: 'models/a.onnx', content: Buffer.alloc(5_000, 3) },
  { path: 'checksums.sha256', content: Buffer.from('none\n') },
];

async function open(name: string, bytes: Buffer) {
  const path = join(folder, `${name}.atmo`);
  await writeFile(path, bytes);
  return await openPackageSource(path);
}

test.each(badArchives(GOOD).map((bad) => [bad.name, bad] as const))(
  'openPackageSource() refuses %s',
  async (name, bad) => {
    const { code, fault } = bad;
    const wanted = { code, ...(fault === undefined ? {} : { data: expect.objectContaining({ fault }) }) };
    if (bad.isLocal !== true) return await expect(open(name, bad.build())).rejects.toMatchObject(wanted);
    await using source = await open(name, bad.build());
    await expect(source.checkLayout()).rejects.toMatchObject(wanted);
  },
);

test('a member whose own header lies gives no byte', async () => {
  for (const bad of badArchives(GOOD).filter(({ isLocal }) => isLocal)) {
    await using source = await open(bad.name, bad.build());
    const results = await Promise.allSettled(source.entries.map(({ path }) => source.read(path, Buffer.alloc(1), 0)));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  }
});

const FOLDER = { central: { attributes: 0o040755 * 0x10000 + 0x10 } };
const SIZES64 = { sizeBytes: 0xffffffff, packedBytes: 0xffffffff, extra: extraField(1, u64(5_000, 5_000)) };

test.each<[string, RawArchive]>([
  ['as it is made here', { members: GOOD }],
  ['with folders', { members: [...GOOD, { path: 'models/', content: Buffer.alloc(0), ...FOLDER }] }],
  [
    'with times and owners',
    { members: GOOD.map((member) => ({ ...member, fields: { extra: extraField(0x5455, Buffer.alloc(5)) } })) },
  ],
  ['with names marked as nothing but ASCII', { members: GOOD.map((member) => ({ ...member, fields: { flags: 0 } })) }],
  ['with records of zip64 that nobody needs', { members: GOOD, end64: {} }],
  [
    'with sizes of zip64 in a local header that need none',
    { members: GOOD.map((member, index) => (index === 1 ? { ...member, local: SIZES64 } : member)) },
  ],
])('openPackageSource() takes an archive %s', async (_, archive) => {
  await using source = await open('good', rawArchive(archive));
  await source.checkLayout();
  expect(source.entries).toEqual(GOOD.map(({ path, content }) => ({ path, sizeBytes: content.length })));
  for (const { path, content } of GOOD) {
    const buffer = Buffer.alloc(content.length + 1);
    expect(await source.read(path, buffer, 0)).toBe(content.length);
    expect(buffer.subarray(0, -1).equals(content)).toBe(true);
  }
});

test('openPackageSource() refuses more members than the limit before it looks at them', async () => {
  const members = Array.from({ length: 25_001 }, (_, index) => ({ path: `f${index}`, content: Buffer.alloc(0) }));
  await expect(open('many', rawArchive({ members }))).rejects.toMatchObject({ code: 'too_large' });
});
