import { execFile } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GB, GiB, MiB } from '../../core/index.ts';
import { vectorCases } from '../../testkit/vectors.ts';
import { openPackageSource } from '../source/open-package-source.ts';
import { ArchiveTarget } from '../zip/archive-target.ts';
import { checkParts } from './check-parts.ts';
import { DVD_PART_BYTES, parsePartSize } from './part-size.ts';
import { MODEL, writeParts } from './parts.fixture.ts';
import { encodePartsIndex, indexDigest, parsePartsIndex } from './parts-index.ts';

const run = promisify(execFile);
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parts-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test('cat of the parts is the archive that is written in one piece, and unzip takes it', async () => {
  const files = await writeParts(folder);
  expect((await readdir(folder)).sort()).toEqual([
    'site-v1.atmo.001',
    'site-v1.atmo.002',
    'site-v1.atmo.003',
    'site-v1.atmo.parts.json',
  ]);
  await run('sh', ['-c', 'cat site-v1.atmo.0?? > joined.zip'], { cwd: folder });
  expect((await run('unzip', ['-t', 'joined.zip'], { cwd: folder })).stdout).toContain('No errors detected');
  const path = join(folder, 'whole.atmo');
  await using target = new ArchiveTarget({ path, created: new Date('2026-03-04T05:06:08Z') });
  await target.add({ path: 'manifest.yaml', sizeBytes: 12, content: Buffer.from('package: {}\n') });
  await target.add({ path: 'models/a.onnx', sizeBytes: MODEL.length, content: MODEL });
  await target.finish();
  expect((await readFile(path)).equals(await readFile(join(folder, 'joined.zip')))).toBe(true);
  const sums = parsePartsIndex(await readFile(files.at(-1) ?? '')).parts.map(
    ({ name, sha256 }) => `${sha256}  ${name}\n`,
  );
  await writeFile(join(folder, 'sums'), sums.join(''));
  await run('sha256sum', ['-c', 'sums'], { cwd: folder });
});

test.each(['site-v1.atmo.001', 'site-v1.atmo.002', 'site-v1.atmo.003', 'site-v1.atmo.parts.json'])(
  'openPackageSource() opens the whole by %s',
  async (name) => {
    await writeParts(folder);
    await using source = await openPackageSource(join(folder, name));
    await source.checkLayout();
    const buffer = Buffer.alloc(MODEL.length);
    expect(await source.read('models/a.onnx', buffer, 0)).toBe(MODEL.length);
    expect(buffer.equals(MODEL)).toBe(true);
  },
);

test('parts without their index are joined, and a hole is named', async () => {
  await writeParts(folder);
  await rm(join(folder, 'site-v1.atmo.parts.json'));
  await using source = await openPackageSource(join(folder, 'site-v1.atmo.001'));
  expect(source.entries).toHaveLength(2);
  await rename(join(folder, 'site-v1.atmo.002'), join(folder, 'elsewhere'));
  await expect(openPackageSource(join(folder, 'site-v1.atmo.001'))).rejects.toMatchObject({
    code: 'parts_missing',
    data: { parts: [{ name: 'site-v1.atmo.002', state: 'missing' }] },
  });
  await rm(join(folder, 'site-v1.atmo.003'));
  await expect(openPackageSource(join(folder, 'site-v1.atmo.001'))).rejects.toMatchObject({ code: 'truncated' });
});

test('what is missing, short, long or a link is told one by one', async () => {
  await writeParts(folder);
  await rm(join(folder, 'site-v1.atmo.001'));
  await truncate(join(folder, 'site-v1.atmo.002'), 100);
  await rm(join(folder, 'site-v1.atmo.003'));
  await symlink('/etc/hostname', join(folder, 'site-v1.atmo.003'));
  await expect(openPackageSource(join(folder, 'site-v1.atmo.parts.json'))).rejects.toMatchObject({
    code: 'parts_missing',
    message:
      'Opening site-v1.atmo: site-v1.atmo.001 is missing; site-v1.atmo.002 has 100 of 2097152 bytes; site-v1.atmo.003 is a link or no file',
  });
});

test('checkParts() reads every part and tells which was altered', async () => {
  const files = await writeParts(folder);
  const index = parsePartsIndex(await readFile(files.at(-1) ?? ''));
  const file = await open(join(folder, 'site-v1.atmo.002'), 'r+');
  await file.write('!', 1_000_000);
  await file.close();
  const places = index.parts.map((part) => ({ part, path: join(folder, part.name) }));
  expect((await checkParts(places)).map(({ state }) => state)).toEqual(['here', 'altered', 'here']);
});

test('parts of two packages do not pass for one', async () => {
  await writeParts(folder);
  const index = parsePartsIndex(await readFile(join(folder, 'site-v1.atmo.parts.json')));
  const wrong = { ...index, manifestSha256: index.parts[0]?.sha256 ?? index.manifestSha256 };
  await writeFile(join(folder, 'site-v1.atmo.parts.json'), encodePartsIndex(wrong));
  await expect(openPackageSource(join(folder, 'site-v1.atmo.001'))).rejects.toMatchObject({ code: 'part_altered' });
});

test('reading back and writing are told of, each byte once', async () => {
  const counts = { written: 0, readBack: 0 };
  const options = {
    onBytes: (count: number) => {
      counts.written += count;
    },
    onReadBack: (count: number) => {
      counts.readBack += count;
    },
  };
  const path = join(folder, 'x.atmo');
  await using target = new ArchiveTarget({ path, created: new Date(0), partBytes: MiB, ...options });
  await target.add({ path: 'manifest.yaml', sizeBytes: MODEL.length, content: MODEL });
  const files = (await target.finish()).filter((file) => !file.path.endsWith('.json'));
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  expect(counts).toEqual({ written: MODEL.length, readBack: sizeBytes });
});

test('splitting that fails leaves no part, and one that would make too many is refused', async () => {
  const path = join(folder, 'x.atmo');
  {
    await using target = new ArchiveTarget({ path, created: new Date(0), partBytes: MiB });
    await target.add({ path: 'models/a', sizeBytes: MODEL.length, content: MODEL });
    await expect(target.finish()).rejects.toMatchObject({ code: 'not_a_package' });
  }
  expect(await readdir(folder)).toEqual([]);
  expect(() => new ArchiveTarget({ path, created: new Date(0), partBytes: 1000 })).toThrow(
    expect.objectContaining({ code: 'bad_part_size' }),
  );
});

test.each([
  ['4GiB', 4 * GiB - 1],
  ['4 gib', 4 * GiB - 1],
  ['4294967296', 4 * GiB - 1],
  ['8GiB', 8 * GiB],
  ['700MB', 700_000_000],
  ['4.7GB', 4.7 * GB],
  ['dvd', DVD_PART_BYTES],
  ['DVD', 4_683_595_776],
])('parsePartSize() takes %s as %d bytes', (text, bytes) => {
  expect(parsePartSize(text)).toBe(bytes);
});

test.each(['', 'cd', '512M', '4 GiBs', '-4GiB', '1KiB', '2TiB', '1e9', 'GiB'])('parsePartSize() refuses %j', (text) => {
  expect(() => parsePartSize(text)).toThrow(expect.objectContaining({ code: 'bad_part_size' }));
});

interface IndexCase {
  readonly name: string;
  readonly text: string;
  readonly id?: string;
  readonly error?: string;
}

test.each(vectorCases<IndexCase>('packages', 'parts-index.json'))('vector %s', (_, { text, id, error }) => {
  const parse = () => indexDigest(parsePartsIndex(Buffer.from(text)));
  if (error === undefined) expect(parse()).toBe(id);
  else expect(parse).toThrow(expect.objectContaining({ code: error }));
});

test('parsePartsIndex() refuses what is endless', () => {
  expect(() => parsePartsIndex(Buffer.alloc(MiB, ' '))).toThrow(expect.objectContaining({ code: 'too_large' }));
});
