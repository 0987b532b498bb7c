import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PieceRoot } from '../../core/index.ts';
import { fileSetBytes, toFileSet } from '../../protocol/index.ts';
import type { PulledModel } from '../pull/ports.ts';
import { fileSet, oneFile } from '../pull/pulling.fixture.ts';
import { digestOf, LibraryBench } from './found.fixture.ts';

let bench: LibraryBench;

beforeEach(async () => {
  bench = await LibraryBench.open();
});
afterEach(() => bench[Symbol.asyncDispose]());

/** The bytes of a model into the store, as a finished transfer leaves them. */
async function arrive({ entry, blobs }: ReturnType<typeof oneFile>): Promise<PulledModel> {
  for (const { blob, content } of blobs) await bench.store.put(blob.sha256, content);
  const only = blobs.length === 1;
  const files = (only ? blobs : blobs.slice(1)).map(({ blob }, index) => ({
    path: only ? (entry.file ?? '') : `part-${index}.bin`,
    size_bytes: blob.sizeBytes,
    sha256: blob.sha256,
    piece_root: blob.pieceRoot,
  }));
  return { entry, files, sourceNode: 'peer' };
}

describe('take()', () => {
  test('lists what is not hashed yet and offers it to nobody', async () => {
    await bench.library.take([await bench.find('org/one', { 'a.gguf': 'abc' })]);
    expect(bench.states()).toEqual(['org/one found']);
    expect(bench.library.entries()).toEqual([]);
  });

  test('offers it once it is hashed, in place, under one row', async () => {
    const found = await bench.find('org/one', { 'a.gguf': 'abc' });
    await bench.library.take([found]);
    await bench.library.take([await bench.hash(found)]);
    expect(bench.states()).toEqual(['org/one ready']);
    expect(bench.library.entries()).toEqual([
      expect.objectContaining({ model_id: 'org/one', sha256: digestOf('abc'), size_bytes: 3, file: 'a.gguf' }),
    ]);
    expect(await bench.store.stat(digestOf('abc'))).toMatchObject({
      place: 'adopted',
      path: found.files[0]?.absolutePath,
    });
  });

  test('names a set by its file list, which is stored', async () => {
    await bench.have('org/set', { 'b.gguf': 'bbb', 'a.gguf': 'aaaa' });
    const [entry] = bench.library.entries();
    expect(entry).toMatchObject({ file_count: 2, size_bytes: 7 });
    if (entry === undefined) throw new Error('no entry');
    const [row] = bench.library.list();
    const files = (row?.files ?? []).map(({ path, sizeBytes, sha256, pieceRoot }) => {
      if (sha256 === undefined || pieceRoot === undefined) throw new Error('not hashed');
      return { path, size_bytes: sizeBytes, sha256, piece_root: pieceRoot };
    });
    expect(digestOf(fileSetBytes(toFileSet(files)))).toBe(entry.sha256);
    expect(await bench.store.stat(entry.sha256)).toMatchObject({ place: 'owned' });
  });

  test('keeps two hashes under one id and version apart', async () => {
    await bench.have('org/one', { 'a.gguf': 'abc' });
    await bench.have('org/one', { 'other/a.gguf': 'xyz' }, { sourceRef: '/elsewhere' });
    expect(
      bench.library
        .entries()
        .map(({ sha256 }) => sha256)
        .sort(),
    ).toEqual([digestOf('abc'), digestOf('xyz')].sort());
  });

  test('replaces what the same place held before, and forgets its content', async () => {
    await bench.have('org/one', { 'a.gguf': 'before' });
    await bench.have('org/one', { 'a.gguf': 'after it' });
    expect(bench.library.entries().map(({ sha256 }) => sha256)).toEqual([digestOf('after it')]);
    await bench.store.collect();
    expect(await bench.store.stat(digestOf('before'))).toBeUndefined();
  });

  test('a claim that proves wrong is listed with its problem, and offered to nobody', async () => {
    await bench.have('org/one', { 'a.gguf': 'abc' }, { claimedSha256: digestOf('something else') });
    expect(bench.states()).toEqual(['org/one damaged']);
    expect(bench.library.list()[0]?.description).toMatchObject({ problem: expect.stringContaining('claims') });
    expect(bench.library.entries()).toEqual([]);
  });

  test('a claim that proves right is offered', async () => {
    await bench.have('org/one', { 'a.gguf': 'abc' }, { claimedSha256: digestOf('abc') });
    expect(bench.states()).toEqual(['org/one ready']);
  });

  test('keeps the owner’s choice to open a model', async () => {
    const found = await bench.have('org/one', { 'a.gguf': 'abc' });
    bench.library.setPublic(found.modelId, true);
    await bench.have('org/one', { 'a.gguf': 'changed' });
    expect(bench.library.list()).toEqual([expect.objectContaining({ public: true, sha256: digestOf('changed') })]);
  });

  test('keeps it also while the changed file is not hashed yet, and while it is damaged', async () => {
    const found = await bench.have('org/one', { 'a.gguf': 'abc' });
    bench.library.setPublic(found.modelId, true);
    const changed = await bench.find('org/one', { 'a.gguf': 'changed' });
    await bench.library.take([changed]);
    await bench.library.take([await bench.hash(changed)]);
    expect(bench.library.list()).toEqual([expect.objectContaining({ public: true, sha256: digestOf('changed') })]);
    await bench.library.markDamaged(changed, 'it changed while it was read');
    expect(bench.library.list()).toEqual([expect.objectContaining({ public: true, state: 'damaged' })]);
  });

  test('tells of changes once a batch', async () => {
    let changes = 0;
    bench.library.changes.on(() => {
      changes += 1;
    });
    const models = await Promise.all(['a/a', 'b/b', 'c/c'].map((id) => bench.find(id, { 'm.gguf': id })));
    await bench.library.take(models);
    expect([changes, bench.library.list().length]).toEqual([1, 3]);
  });
});

describe('drop()', () => {
  test('forgets the model and leaves its file', async () => {
    const found = await bench.have('org/one', { 'a.gguf': 'abc' });
    await bench.library.drop(found);
    await bench.store.collect();
    expect([bench.states(), await bench.store.stat(digestOf('abc'))]).toEqual([[], undefined]);
    expect(readFileSync(found.files[0]?.absolutePath ?? '', 'utf8')).toBe('abc');
  });

  test('keeps content that another model needs', async () => {
    const found = await bench.have('org/one', { 'a.gguf': 'abc' });
    await bench.have('org/two', { 'b.gguf': 'abc' });
    await bench.library.drop(found);
    await bench.store.collect();
    expect(await bench.store.stat(digestOf('abc'))).toBeDefined();
    expect(bench.states()).toEqual(['org/two ready']);
  });

  test('leaves a pulled model of the same name', async () => {
    const pulled = await arrive(oneFile('org/one', Buffer.from('pulled'), { version: '1', source_ref: '/x' }));
    await bench.library.install(pulled);
    const found = await bench.find('org/one', { 'a.gguf': 'abc' }, { sourceRef: '/x' });
    await bench.library.drop(found);
    expect(bench.states()).toEqual(['org/one ready']);
  });
});

test('markDamaged() takes an offered model back and keeps it in the list', async () => {
  const found = await bench.have('org/one', { 'a.gguf': 'abc' });
  await bench.library.markDamaged(found, 'it changed while it was read');
  expect([bench.states(), bench.library.entries()]).toEqual([['org/one damaged'], []]);
  expect(bench.library.list()[0]?.description).toMatchObject({ problem: 'it changed while it was read' });
});

describe('lost()', () => {
  test('takes back every model that needs the content, and no other', async () => {
    await bench.have('org/one', { 'a.gguf': 'abc' });
    await bench.have('org/set', { 'a.gguf': 'abc', 'b.gguf': 'more' });
    await bench.have('org/else', { 'a.gguf': 'else' });
    bench.library.lost(digestOf('abc'));
    expect(bench.states().sort()).toEqual(['org/else ready', 'org/one missing', 'org/set missing']);
    expect(bench.library.entries().map(({ model_id }) => model_id)).toEqual(['org/else']);
  });
});

describe('check()', () => {
  test('finds what went away while nobody looked, and what came back', async () => {
    const found = await bench.have('org/one', { 'a.gguf': 'abc' });
    const path = found.files[0]?.absolutePath ?? '';
    rmSync(path);
    await bench.library.check();
    expect(bench.states()).toEqual(['org/one missing']);
    writeFileSync(path, 'abc');
    await bench.have('org/one', { 'a.gguf': 'abc' });
    await bench.library.check();
    expect(bench.states()).toEqual(['org/one ready']);
  });
});

describe('install()', () => {
  test('stays the store’s own when the same bytes are found elsewhere, and when those go', async () => {
    const model = oneFile('org/one', Buffer.from('abc'), { version: '1' });
    const path = await bench.library.install(await arrive(model));
    const found = await bench.have('org/one', { 'a.gguf': 'abc' });
    await bench.library.drop(found);
    await bench.store.collect();
    expect(bench.states()).toEqual(['org/one ready']);
    expect([await bench.library.pathOf(model.entry), readFileSync(path, 'utf8')]).toEqual([path, 'abc']);
  });

  test('gives a pulled file its name, and the bytes are the store’s own', async () => {
    const model = oneFile('org/one', Buffer.from('pulled bytes'));
    const path = await bench.library.install(await arrive(model));
    expect(readFileSync(path, 'utf8')).toBe('pulled bytes');
    expect(await bench.library.pathOf(model.entry)).toBe(path);
    expect(bench.library.entries()).toEqual([
      expect.objectContaining({ model_id: 'org/one', sha256: model.entry.sha256 }),
    ]);
    await bench.store.collect();
    expect(await bench.store.stat(model.entry.sha256)).toMatchObject({ place: 'owned', refs: 1 });
  });

  test('a set becomes a folder', async () => {
    const model = fileSet('org/set', { 'part-0.bin': Buffer.from('one'), 'part-1.bin': Buffer.from('two') });
    const folder = await bench.library.install(await arrive(model));
    expect(['part-0.bin', 'part-1.bin'].map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual([
      'one',
      'two',
    ]);
  });

  test('two contents of one name and version lie beside each other', async () => {
    const [one, two] = [oneFile('org/one', Buffer.from('one')), oneFile('org/one', Buffer.from('two'))];
    const paths = [await bench.library.install(await arrive(one)), await bench.library.install(await arrive(two))];
    expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(['one', 'two']);
    expect(bench.library.entries()).toHaveLength(2);
  });

  test('a name that leaves the store is refused, and nothing is left', async () => {
    const model = oneFile('org/one', Buffer.from('x'), { file: '../../escape.gguf' });
    await expect(bench.library.install(await arrive(model))).rejects.toMatchObject({ code: 'unsafe_name' });
    expect([bench.states(), existsSync(join(bench.home, 'escape.gguf'))]).toEqual([[], false]);
  });

  test('pathOf() is silent when the bytes are gone', async () => {
    const model = oneFile('org/one', Buffer.from('pulled bytes'));
    await bench.library.install(await arrive(model));
    const blob = await bench.store.stat(model.entry.sha256);
    rmSync(blob?.path ?? '');
    expect(await bench.library.pathOf(model.entry)).toBeUndefined();
  });
});

test('remove() frees what the store owns and nobody else needs', async () => {
  const model = oneFile('org/one', Buffer.from('twelve bytes'));
  const path = await bench.library.install(await arrive(model));
  const [row] = bench.library.list();
  if (row === undefined) throw new Error('not installed');
  const pieceRoot = model.entry.piece_root as PieceRoot;
  bench.registry.pieceLists.put(model.entry.sha256, { sizeBytes: 12, pieceRoot, hashes: Buffer.alloc(32) });
  expect(await bench.library.remove(row)).toEqual({ freedBytes: 12 });
  expect(bench.registry.pieceLists.get(model.entry.sha256)).toBeUndefined();
  expect([bench.states(), existsSync(path), await bench.store.stat(model.entry.sha256)]).toEqual([
    [],
    false,
    undefined,
  ]);
});

test('placeOf() links an adopted file that lies under another name', async () => {
  const found = await bench.find('org/one', { 'blobs-sha256-x': 'abc' });
  const [file] = found.files;
  if (file === undefined) throw new Error('no file');
  await bench.library.take([await bench.hash({ ...found, files: [{ ...file, path: 'model.gguf' }], isFileSet: true })]);
  const [row] = bench.library.list();
  if (row === undefined) throw new Error('not taken');
  const folder = await bench.library.placeOf(row);
  expect(readFileSync(join(folder, 'model.gguf'), 'utf8')).toBe('abc');
});
