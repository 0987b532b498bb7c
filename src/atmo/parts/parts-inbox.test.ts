import { copyFile, mkdir, mkdtemp, open, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MiB } from '../../core/index.ts';
import { SeededBytes } from '../../testkit/seeded-bytes.ts';
import { MODEL, PART_BYTES, writeParts } from './parts.fixture.ts';
import { PartsInbox } from './parts-inbox.ts';

let folder = '';
let stick = '';
let inbox: PartsInbox;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inbox-'));
  stick = join(folder, 'stick');
  await mkdir(stick);
  await writeParts(stick);
  inbox = await PartsInbox.open(join(folder, 'inbox'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const LONG = new SeededBytes('long').next(11 * MiB);
const INDEX = 'site-v1.atmo.parts.json';

function part(number: number): string {
  return join(stick, `site-v1.atmo.00${number}`);
}

async function states(): Promise<string[]> {
  return (await inbox.status()).packages.flatMap(({ parts }) => parts.map(({ state }) => state));
}

/** Wrong in one byte. */
async function alter(path: string, position: number): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write('!', position);
}

async function incoming(): Promise<string[]> {
  return await readdir(join(folder, 'inbox', 'incoming'));
}

/** Parts that are longer than what is read ahead. */
async function writeLongParts(): Promise<void> {
  await rm(stick, { recursive: true });
  await mkdir(stick);
  await writeParts(stick, LONG, 10 * MiB);
  await inbox.accept(join(stick, INDEX));
}

/** Taken until the first bytes were written; then the stick is pulled. */
async function breakOff(path: string): Promise<void> {
  const stop = new AbortController();
  await expect(inbox.accept(path, { onBytes: () => stop.abort(), signal: stop.signal })).rejects.toMatchObject({
    code: 'cancelled',
  });
}

test('parts come in any order, before and after their index, and the package opens when it is whole', async () => {
  expect(await inbox.accept(part(3))).toMatchObject({ kind: 'part', wasHere: false, packages: [] });
  expect((await inbox.status()).unclaimed).toHaveLength(1);
  const { id, packages } = await inbox.accept(join(stick, INDEX));
  expect(packages[0]).toMatchObject({ packageName: 'site-v1.atmo', isWhole: false, missingBytes: 2 * PART_BYTES });
  expect(await states()).toEqual(['missing', 'missing', 'here']);
  await expect(inbox.openPackage(id)).rejects.toMatchObject({ code: 'parts_missing' });
  await inbox.accept(part(2));
  expect((await inbox.accept(part(1))).packages).toMatchObject([{ isWhole: true, missingBytes: 0 }]);
  await using source = await inbox.openPackage(id);
  const buffer = Buffer.alloc(MODEL.length);
  expect(await source.read('models/a.onnx', buffer, 0)).toBe(MODEL.length);
  expect(buffer.equals(MODEL)).toBe(true);
});

test('what is here outlives the process, and is not copied twice', async () => {
  await inbox.accept(join(stick, INDEX));
  await inbox.accept(part(1));
  inbox = await PartsInbox.open(join(folder, 'inbox'));
  const bytes: number[] = [];
  expect(await inbox.accept(part(1), { onBytes: (count) => void bytes.push(count) })).toMatchObject({ wasHere: true });
  expect(await inbox.accept(join(stick, INDEX))).toMatchObject({ kind: 'index', wasHere: true });
  expect([bytes, await states()]).toEqual([[], ['here', 'missing', 'missing']]);
});

test('a part is taken by what it is, not by what it is called', async () => {
  await inbox.accept(join(stick, INDEX));
  await copyFile(part(2), join(stick, 'Copy of something (1)'));
  expect((await inbox.accept(join(stick, 'Copy of something (1)'))).packages).toHaveLength(1);
  expect(await states()).toEqual(['missing', 'here', 'missing']);
});

test.each<[string, () => Promise<unknown>, string]>([
  ['altered', () => alter(part(2), 1_500_000), 'part_altered'],
  ['cut off', () => truncate(part(2), 100), 'part_altered'],
  ['empty', () => truncate(part(2), 0), 'part_altered'],
  ['another part under its name', () => copyFile(part(1), part(2)), ''],
  ['a link', async () => [await rm(part(2)), await symlink(part(1), part(2))], 'unsafe_member'],
  ['gone', () => rm(part(2)), 'unreadable'],
])('a part that is %s is not taken for the one that is wanted', async (_, change, code) => {
  await inbox.accept(join(stick, INDEX));
  await change();
  if (code === '') await inbox.accept(part(2));
  else await expect(inbox.accept(part(2))).rejects.toMatchObject({ code });
  expect((await states())[1]).toBe('missing');
  expect(await incoming()).toEqual([]);
});

test('a copy that was broken off goes on where it ended, also in another process', async () => {
  await writeLongParts();
  await breakOff(part(1));
  expect((await states())[0]).toBe('begun');
  inbox = await PartsInbox.open(join(folder, 'inbox'));
  const [name = ''] = await incoming();
  const { size } = await stat(join(folder, 'inbox', 'incoming', name));
  expect(size).toBeGreaterThan(0);
  expect((await inbox.accept(part(1))).packages[0]?.parts[0]).toMatchObject({ state: 'here' });
  expect(await incoming()).toEqual([]);
});

test.each([
  ['near its end, where it is seen at once', -10],
  ['at its beginning, where only the digest tells', 10],
])('a copy that was broken off and spoilt %s is made anew', async (_, at) => {
  await writeLongParts();
  await breakOff(part(1));
  const path = join(folder, 'inbox', 'incoming', (await incoming())[0] ?? '');
  const { size } = await stat(path);
  await alter(path, at < 0 ? size + at : at);
  await inbox.accept(part(1));
  expect((await states())[0]).toBe('here');
});

test('a stick that is pulled while it is read leaves a copy that is not believed', async () => {
  await inbox.accept(join(stick, INDEX));
  const pulling = inbox.accept(part(1), { onBytes: () => void truncate(part(1), 10) });
  await expect(pulling).rejects.toMatchObject({ code: expect.stringMatching(/^(truncated|changed)$/) });
  expect((await states())[0]).not.toBe('here');
  await rm(stick, { recursive: true });
  await mkdir(stick);
  await writeParts(stick);
  await inbox.accept(part(1));
  expect((await states())[0]).toBe('here');
});

test('parts without an index are bounded, and can be thrown away', async () => {
  for (let index = 0; index < 32; index += 1) {
    await writeFile(join(stick, `n${index}`), new SeededBytes(index).next(100));
    await inbox.accept(join(stick, `n${index}`));
  }
  await expect(inbox.accept(part(1))).rejects.toMatchObject({ code: 'too_large' });
  await inbox.discardUnclaimed();
  await inbox.accept(part(1));
  expect((await inbox.status()).unclaimed).toHaveLength(1);
});

test('copies that nobody goes on with are bounded', async () => {
  for (let index = 0; index < 12; index += 1) {
    await writeFile(join(stick, `n${index}`), new SeededBytes(index).next(6 * MiB));
    await breakOff(join(stick, `n${index}`));
  }
  expect((await incoming()).length).toBeLessThanOrEqual(8);
});

test('discard() forgets a package and keeps the parts that another needs', async () => {
  const other = join(folder, 'other');
  await mkdir(other);
  const longer = Buffer.concat([MODEL, Buffer.from('longer')]);
  await writeParts(other, longer);
  const first = await inbox.accept(join(stick, INDEX));
  const second = await inbox.accept(join(other, INDEX));
  expect(second.id).not.toBe(first.id);
  expect((await inbox.accept(part(2))).packages).toHaveLength(2);
  await inbox.accept(part(3));
  await inbox.discard(first.id);
  expect(await states()).toEqual(['missing', 'here', 'missing']);
  expect(await readdir(join(folder, 'inbox', 'parts'))).toHaveLength(1);
  await inbox.discard(second.id);
  expect(await readdir(join(folder, 'inbox', 'parts'))).toEqual([]);
  await expect(inbox.openPackage(first.id)).rejects.toMatchObject({ code: 'parts_missing' });
});

test('one file is taken after the other', async () => {
  const all = [part(1), join(stick, INDEX), part(2), part(3)].map((path) => inbox.accept(path));
  expect((await Promise.all(all)).at(-1)?.packages).toMatchObject([{ isWhole: true }]);
});
