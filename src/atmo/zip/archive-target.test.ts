import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PieceHasher, pieceLayout, pieceRange, toPieceList } from '../../content/index.ts';
import { GiB, MiB, type Sha256 } from '../../core/index.ts';
import { SeededBytes } from '../../testkit/seeded-bytes.ts';
import { type AtmoError, toWriteError } from '../errors.ts';
import type { MemberToWrite, PackageSource } from '../ports.ts';
import { openPackageSource } from '../source/open-package-source.ts';
import { archiveSizeBytes } from './archive-size.ts';
import { ArchiveTarget, type ArchiveTargetOptions } from './archive-target.ts';

const run = promisify(execFile);
const CREATED = new Date('2026-03-04T05:06:08Z');

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'archive-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

interface Tree {
  readonly [path: string]: Buffer;
}

const TREE: Tree = {
  'manifest.yaml': Buffer.from('package: {}\n'),
  'config/mission.yaml': Buffer.from('mission: x\n'),
  'models/Prüfung 検査.onnx': new SeededBytes(1).next(3 * MiB + 17),
  'models/large.gguf': new SeededBytes(2).next(9 * MiB + 1),
  'empty.txt': Buffer.alloc(0),
};

function memberOf(path: string, content: Buffer): MemberToWrite {
  return { path, sizeBytes: content.length, content };
}

async function write(name: string, tree: Tree, more: Partial<ArchiveTargetOptions> = {}): Promise<string> {
  const path = join(folder, name);
  await using target = new ArchiveTarget({ path, created: CREATED, ...more });
  for (const [member, content] of Object.entries(tree)) await target.add(memberOf(member, content));
  await target.finish();
  return path;
}

async function readTree(source: PackageSource): Promise<Tree> {
  const tree: Record<string, Buffer> = {};
  for (const { path, sizeBytes } of source.entries) {
    tree[path] = Buffer.alloc(sizeBytes);
    expect(await source.read(path, tree[path], 0)).toBe(sizeBytes);
  }
  return tree;
}

function sha256(bytes: Buffer): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}

test('an archive has the same bytes when it is written twice, and the length that was foretold', async () => {
  const one = await write('one.atmo', TREE);
  const other = await write('other.atmo', TREE);
  expect((await readFile(one)).equals(await readFile(other))).toBe(true);
  const members = Object.entries(TREE).map(([path, content]) => ({ path, sizeBytes: content.length }));
  expect((await stat(one)).size).toBe(archiveSizeBytes(members));
});

test('any tree is read as it was written, in its order', async () => {
  const segment = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
    .filter((text) => /^[\p{L}\p{N}]+$/u.test(text));
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  const tree = fc.array(fc.tuple(path, fc.uint8Array({ maxLength: 5_000 })), { maxLength: 12 });
  let count = 0;
  await fc.assert(
    fc.asyncProperty(tree, async (rows) => {
      const all: Tree = {
        'manifest.yaml': Buffer.from('m'),
        ...Object.fromEntries(rows.map(([key, bytes]) => [key, Buffer.from(bytes)])),
      };
      count += 1;
      const name = await write(`${count}.atmo`, all).catch((thrown: AtmoError) => {
        expect(thrown.code).toBe('unsafe_member');
        fc.pre(false);
        return '';
      });
      await using source = await openPackageSource(name);
      await source.checkLayout();
      expect(Object.entries(await readTree(source))).toEqual(Object.entries(all));
    }),
    { numRuns: 60 },
  );
});

test('unzip, zipinfo and the zipfile of Python agree with what was written', async () => {
  const path = await write('tools.atmo', TREE);
  expect((await run('unzip', ['-t', path])).stdout).toContain('No errors detected');
  expect((await run('python3', ['-m', 'zipfile', '-t', path])).stdout).toContain('Done testing');
  expect((await run('zipinfo', ['-l', path], { env: { TZ: 'Asia/Tokyo' } })).stdout).toMatch(
    /-rw-r--r-- .* 26-Mar-04 05:06 manifest\.yaml/,
  );
  await run('unzip', ['-q', path, '-d', join(folder, 'out')], { env: { LANG: 'C.UTF-8' } });
  for (const [member, content] of Object.entries(TREE))
    expect((await readFile(join(folder, 'out', member))).equals(content)).toBe(true);
});

test('what ordinary `zip -0` makes is taken, what `zip` compresses is refused by name', async () => {
  for (const [member, content] of Object.entries(TREE).filter(([name]) => !name.includes('Prüfung'))) {
    await mkdir(dirname(join(folder, 'in', member)), { recursive: true });
    await writeFile(join(folder, 'in', member), content);
  }
  await run('zip', ['-q', '-0', '-r', '../stored.atmo', '.'], { cwd: join(folder, 'in') });
  await using source = await openPackageSource(join(folder, 'stored.atmo'));
  await source.checkLayout();
  expect((await readTree(source))['models/large.gguf']?.equals(TREE['models/large.gguf'] as Buffer)).toBe(true);
  await run('zip', ['-q', '-r', '../packed.atmo', '.'], { cwd: join(folder, 'in') });
  const refused = { code: 'not_stored', message: expect.stringMatching(/is compressed \(method 8\).*zip -0/) };
  await expect(openPackageSource(join(folder, 'packed.atmo'))).rejects.toMatchObject(refused);
});

test('room that was kept is filled last, and the archive is the one that was written in order', async () => {
  const path = join(folder, 'late.atmo');
  const [first, ...rest] = Object.entries(TREE);
  await using target = new ArchiveTarget({ path, created: CREATED });
  await target.reserve(first?.[0] ?? '', first?.[1].length ?? 0);
  for (const [member, content] of rest) await target.add(memberOf(member, content));
  await expect(target.finish()).rejects.toMatchObject({ code: 'truncated' });
  await expect(target.fill('manifest.yaml', Buffer.alloc(3))).rejects.toMatchObject({ code: 'digest_mismatch' });
  await target.fill('manifest.yaml', first?.[1] ?? Buffer.alloc(0));
  await target.finish();
  expect((await readFile(path)).equals(await readFile(await write('early.atmo', TREE)))).toBe(true);
});

test.each([
  [3 * MiB + 17, 'in the main thread'],
  [9 * MiB + 1, 'in a thread of its own'],
])('add() of %d bytes tells digest and piece root, computed %s', async (sizeBytes) => {
  const content = new SeededBytes(3).next(sizeBytes);
  const layout = pieceLayout(sizeBytes);
  const hashes = Array.from({ length: layout.pieceCount }, (_, index) => {
    const { start, end } = pieceRange(layout, index);
    return new PieceHasher().update(content.subarray(start, end)).digest();
  });
  await using target = new ArchiveTarget({ path: join(folder, 'x.atmo'), created: CREATED });
  const written = await target.add({ ...memberOf('a', content), sha256: sha256(content), wantsPieceRoot: true });
  expect(written).toEqual({
    path: 'a',
    sizeBytes,
    sha256: sha256(content),
    pieceRoot: toPieceList(sizeBytes, Buffer.concat(hashes)).root,
  });
});

test.each<[string, (file: string) => Promise<Partial<MemberToWrite>>, string]>([
  ['has another digest', async () => ({ sha256: sha256(Buffer.from('other')) }), 'digest_mismatch'],
  ['has another size', async () => ({ sizeBytes: 5 }), 'changed'],
  [
    'is a link',
    async (file) => {
      await symlink(file, `${file}.link`);
      return { content: { file: `${file}.link` } };
    },
    'unsafe_member',
  ],
  ['is a folder', async (file) => ({ content: { file: dirname(file) } }), 'unsafe_member'],
  ['is not there', async (file) => ({ content: { file: `${file}.gone` } }), 'unreadable'],
  ['is longer in memory', async () => ({ content: Buffer.alloc(10 * MiB) }), 'digest_mismatch'],
  ['ends early', async () => ({ content: { read: async () => 0 } }), 'truncated'],
  ['changes meanwhile', async (file) => ({ content: { file } }), 'changed'],
])('add() of a file that %s fails, and nothing is left', async (_, change, code) => {
  const file = join(folder, 'source');
  await writeFile(file, new SeededBytes(4).next(9 * MiB));
  const changes = await change(file);
  {
    await using target = new ArchiveTarget({
      path: join(folder, 'x.atmo'),
      created: CREATED,
      onBytes: () => void (code === 'changed' && writeFile(file, 'other')),
    });
    const adding = target.add({ path: 'a', sizeBytes: 9 * MiB, content: { file }, ...changes });
    await expect(adding).rejects.toMatchObject({ code });
    if (changes.sha256 !== undefined) await expect(target.finish()).rejects.toMatchObject({ code: 'truncated' });
  }
  expect((await readdir(folder)).filter((name) => name.startsWith('x.atmo'))).toEqual([]);
});

test('an archive that is there is not written over unless it is asked for', async () => {
  await write('x.atmo', { 'manifest.yaml': Buffer.from('old') });
  await expect(write('x.atmo', TREE)).rejects.toMatchObject({ code: 'already_there' });
  await using old = await openPackageSource(join(folder, 'x.atmo'));
  expect(old.entries).toHaveLength(1);
  await write('x.atmo', TREE, { replaces: true });
  await using fresh = await openPackageSource(join(folder, 'x.atmo'));
  expect(fresh.entries).toHaveLength(5);
});

test('a stopped writing leaves nothing', async () => {
  const stop = new AbortController();
  {
    await using target = new ArchiveTarget({
      path: join(folder, 'x.atmo'),
      created: CREATED,
      onBytes: () => stop.abort(),
    });
    const content = new SeededBytes(5).next(12 * MiB);
    await expect(target.add(memberOf('a', content), stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
  }
  expect(await readdir(folder)).toEqual([]);
});

test('members over 4 GiB and behind 4 GiB are found, by us and by unzip', async () => {
  const path = join(folder, 'large.atmo');
  const last = Buffer.from('the last one');
  const sizeBytes = 5 * GiB;
  const large = { name: Buffer.from('models/large'), sizeBytes, crc: 0, dosTime: 0, dosDate: 33, offset: 50 };
  const { encodeCentralHeader, encodeEnd, encodeLocalHeader } = await import('./records.ts');
  const { crc32 } = await import('node:zlib');
  const first = { ...large, name: Buffer.from('manifest.yaml'), sizeBytes: 7, crc: crc32('package'), offset: 0 };
  const behind = { ...first, name: Buffer.from('z'), sizeBytes: last.length, crc: crc32(last), offset: 0 };
  const largeHeader = encodeLocalHeader(large);
  const placed = { ...behind, offset: large.offset + largeHeader.length + sizeBytes };
  const directoryAt = placed.offset + 31 + last.length;
  const directory = Buffer.concat([first, large, placed].map(encodeCentralHeader));
  {
    await using file = await open(path, 'w');
    await file.write(Buffer.concat([encodeLocalHeader(first), Buffer.from('package'), largeHeader]), 0, undefined, 0);
    await file.write(
      Buffer.concat([
        encodeLocalHeader(placed),
        last,
        directory,
        encodeEnd({ members: 3, offset: directoryAt, sizeBytes: directory.length }),
      ]),
      0,
      undefined,
      placed.offset,
    );
  }
  await using source = await openPackageSource(path);
  await source.checkLayout();
  const buffer = Buffer.alloc(12);
  expect(await source.read('z', buffer, 0)).toBe(12);
  expect(buffer.equals(last)).toBe(true);
  expect(await source.read('models/large', buffer, 5 * GiB - 3)).toBe(3);
  expect((await run('unzip', ['-p', path, 'z'])).stdout).toBe('the last one');
  expect((await run('unzip', ['-l', path])).stdout).toContain('5368709120');
  const members = [first, large, placed].map(({ name, sizeBytes }) => ({ path: name.toString(), sizeBytes }));
  expect(archiveSizeBytes(members)).toBe((await stat(path)).size);
});

test('memory does not grow with the file that is written', async () => {
  await using target = new ArchiveTarget({ path: join(folder, 'x.atmo'), created: CREATED });
  const sizeBytes = 160 * MiB;
  const before = process.memoryUsage().rss;
  let most = before;
  const read = async (buffer: Buffer) => {
    most = Math.max(most, process.memoryUsage().rss);
    return buffer.length;
  };
  await target.add({ path: 'a', sizeBytes, content: { read } });
  expect(most - before).toBeLessThan(96 * MiB);
});

test('a full medium, and one that takes no large file, are told from other failures', () => {
  const failed = (code: string) => toWriteError(Object.assign(new Error(code), { code }), 'Writing');
  expect(failed('ENOSPC')).toMatchObject({ code: 'disk_full', data: { system: 'ENOSPC' } });
  expect(failed('EFBIG')).toMatchObject({ code: 'disk_full', message: expect.stringContaining('--split 4GiB') });
  expect(failed('EIO')).toMatchObject({ code: 'unwritable' });
});

test('thousands of members are written, opened and compared', async () => {
  const path = join(folder, 'many.atmo');
  await using target = new ArchiveTarget({ path, created: CREATED });
  await target.add(memberOf('manifest.yaml', Buffer.from('m')));
  for (let index = 0; index < 3_000; index += 1)
    await target.add(memberOf(`knowledge/${index}.txt`, Buffer.from(`${index}`)));
  await target.finish();
  await using source = await openPackageSource(path);
  await source.checkLayout();
  expect(source.entries).toHaveLength(3_001);
});
