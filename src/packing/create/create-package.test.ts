import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileSetBytes, parsePackageManifest, toFileSet } from '../../protocol/index.ts';
import { onnxModelBytes } from '../../testkit/onnx-builder.ts';
import { SeededBytes } from '../../testkit/seeded-bytes.ts';
import type { PackingError } from '../errors.ts';
import { makeHome, type TestFolder, testFolder } from '../mission.fixture.ts';
import type { LibraryModel, ResolveModels } from '../ports.ts';
import { openHomeSeal } from '../sign/home-seal.ts';
import type { PackingProgress } from '../write/progress.ts';
import { type CreateWish, createPackage } from './create-package.ts';
import { digestBytes } from './digest-bytes.ts';

let folder: TestFolder;
let home: string;

beforeEach(() => {
  folder = testFolder();
  home = makeHome(join(folder.path, 'home'));
});
afterEach(() => folder[Symbol.dispose]());

const NO_LIBRARY: ResolveModels = async (wanted) =>
  wanted.map(() => ({
    model: null,
    missing: { code: 'model_not_found', message: 'nobody has it', near: ['org/detektor@1.2'] },
  }));

function create(wish: Partial<CreateWish> = {}) {
  return createPackage({
    ...{ mission: 'line', version: '1.3', tiers: [], output: 'out', cwd: folder.path, home, resolveModels: NO_LIBRARY },
    seal: openHomeSeal({ home, nowMs: Date.now() }),
    ...wish,
  });
}

const bytesOf = (seed: string, count: number) => new SeededBytes(seed).next(count);

const LINE = {
  'line/models/tiny-defects-1.3.onnx': onnxModelBytes(),
  'line/models/forest-1.0.pkl': bytesOf('forest', 10_000),
  'line/models/bert-2.0/config.json': '{}',
  'line/models/bert-2.0/weights.bin': bytesOf('bert', 9_000_000),
  'line/agents/vision_agent-1.2.yaml': 'id: vision\n',
  'line/tools/core_tools.yaml': 'tools: []\n',
  'line/knowledge/defects.chunks.jsonl': '{"id":1}\n\n{"id":2}\n{"id":3}',
  'line/config/llamafarm.yaml': 'project: line\n',
};

const outside = (args: string[], cwd = join(folder.path, 'out')) =>
  execFileSync(args[0] ?? '', args.slice(1), { cwd, encoding: 'utf8' });
const out = () => readdirSync(join(folder.path, 'out')).toSorted();
const bytes = (name: string, where = 'out') => readFileSync(join(folder.path, where, name));
const coded = (code: string) => expect.objectContaining({ code });

describe('createPackage()', () => {
  test('makes of a folder without mission.yaml what unzip and sha256sum take', async () => {
    folder.write(LINE);
    const { packages, manifest } = await create();
    const [made] = packages;
    expect(made).toMatchObject({ path: join(folder.path, 'out', 'line-v1.3.atmo'), members: 8, isUnchanged: false });
    expect(bytes('line-v1.3.atmo')).toHaveLength(made?.sizeBytes ?? -1);
    expect(outside(['unzip', '-t', 'line-v1.3.atmo'])).toContain('No errors detected');
    outside(['unzip', '-q', 'line-v1.3.atmo', '-d', 'open']);
    expect(outside(['sha256sum', '-c', 'checksums.sha256'], join(folder.path, 'out', 'open'))).not.toContain('FAILED');
    expect(parsePackageManifest(bytes('open/manifest.yaml'))).toEqual(manifest);
  });

  test('names what it found: ids and versions by file names, chunks, sizes to the byte', async () => {
    folder.write(LINE);
    const { manifest, unsafe } = await create();
    expect(unsafe).toEqual([{ path: 'models/forest-1.0.pkl', id: 'forest' }]);
    expect(manifest.contents.models).toMatchObject([
      { path: 'models/forest-1.0.pkl', id: 'forest', version: '1.0', size_bytes: 10_000, entry: { unsafe: true } },
      { path: 'models/tiny-defects-1.3.onnx', id: 'tiny-defects', version: '1.3', entry: { format: 'onnx' } },
      {
        path: 'models/bert-2.0',
        id: 'bert',
        version: '2.0',
        files: [{ path: 'config.json' }, { path: 'weights.bin' }],
      },
    ]);
    expect(manifest.contents.agents).toMatchObject([{ id: 'vision_agent', version: '1.2' }]);
    expect(manifest.contents.tools).toMatchObject([{ id: 'core_tools', version: '1.3' }]);
    expect(manifest.contents.knowledge).toMatchObject([{ domain: 'defects', chunks: 3 }]);
    const total = Object.values(LINE).reduce((sum, content) => sum + content.length, 0);
    expect(manifest.package.bytes_by_tier).toEqual({ tier_1: total, tier_2: total, tier_3: total });
    expect(manifest.package).toMatchObject({ created: '2026-03-01T08:00:00Z', created_by: 'workshop' });
  });

  test('makes the same bytes twice', async () => {
    folder.write(LINE);
    await create();
    await create({ output: 'again' });
    expect(bytes('line-v1.3.atmo', 'again').equals(bytes('line-v1.3.atmo'))).toBe(true);
  });

  test('the time is SOURCE_DATE_EPOCH’s, then mission.yaml’s', async () => {
    folder.write({ ...LINE, 'line/mission.yaml': 'mission: {created: 2026-02-02T12:00:00Z}\n' });
    expect((await create()).manifest.package.created).toBe('2026-02-02T12:00:00Z');
    const { manifest } = await create({ epoch: '1700000000', output: 'other' });
    expect(manifest.package.created).toBe('2023-11-14T22:13:20Z');
    await expect(create({ epoch: 'yesterday' })).rejects.toThrow(coded('bad_mission'));
  });

  test('leaves the very package as it is, and writes over no other', async () => {
    folder.write(LINE);
    await create();
    const { mtimeMs } = statSync(join(folder.path, 'out', 'line-v1.3.atmo'));
    expect((await create()).packages).toMatchObject([{ isUnchanged: true }]);
    expect(statSync(join(folder.path, 'out', 'line-v1.3.atmo')).mtimeMs).toBe(mtimeMs);
    folder.write({ 'line/agents/vision_agent-1.2.yaml': 'id: other\n' });
    await expect(create()).rejects.toThrow(coded('already_there'));
    expect(out()).toEqual(['line-v1.3.atmo']);
  });

  test('one package for each tier that is said, all with one manifest', async () => {
    folder.write({ ...LINE, 'line/mission.yaml': TIERED });
    const { packages } = await create({ tiers: ['tier_1', 'tier_3'] });
    expect(packages.map(({ path, members }) => [basename(path), members])).toEqual([
      ['line-v1.3-tier1.atmo', 7],
      ['line-v1.3-tier3.atmo', 9],
    ]);
    for (const name of out()) {
      outside(['unzip', '-q', name, '-d', `open-${name}`]);
      outside(['sha256sum', '-c', '--quiet', 'checksums.sha256'], join(folder.path, 'out', `open-${name}`));
    }
    const [first, second] = out().filter((name) => name.startsWith('open-'));
    expect(bytes(`${first}/manifest.yaml`)).toEqual(bytes(`${second}/manifest.yaml`));
    expect(readdirSync(join(folder.path, 'out', first ?? '', 'models'))).toEqual(['forest-1.0.pkl', 'tiny-1.3.onnx']);
  });

  test('tiers of which the mission has nothing are refused', async () => {
    folder.write({ 'line/mission.yaml': 'config: [{path: a.yaml, tiers: [1]}]\n', 'line/a.yaml': 'a: 1\n' });
    await expect(create({ tiers: ['tier_2'] })).rejects.toThrow('it has tier_1');
  });

  test('tells all that is missing at once, with lines and what is nearest, and writes nothing', async () => {
    folder.write({ ...LINE, 'line/mission.yaml': LACKING });
    const failure: unknown = await create().catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: 'pieces_missing' });
    expect((failure as PackingError).data.problems).toEqual([
      { line: 2, path: 'models.0', message: 'org/detector@^1.3: nobody has it; the nearest is org/detektor@1.2' },
      {
        line: 3,
        path: 'models.1',
        message: expect.stringMatching(/^models\/tiny\.onnx: it is not there; the nearest/),
      },
      { line: 5, path: 'agents.0', message: expect.stringMatching(/^agents\/\*\.yml: no file fits it/) },
    ]);
    expect(existsSync(join(folder.path, 'out'))).toBe(false);
  });

  test.each([
    ['no folder', {}, 'mission_not_found', 'there is no folder'],
    ['nothing in it', { 'line/.hidden': '' }, 'bad_mission', 'there is nothing to pack'],
    ['mistakes in mission.yaml', { 'line/mission.yaml': 'models:\n  - {nam: x}\n' }, 'bad_document', 'line 2'],
    ['a name that is no id', { 'line/models/my model.onnx': 'x' }, 'bad_mission', 'name it in mission.yaml'],
    ['one agent twice', { 'line/agents/a-1.0.yaml': '', 'line/agents/a-1.1.yaml': '' }, 'bad_mission', 'stands twice'],
    ['a damaged model', { 'line/models/a.gguf': 'GGUFxxxxxxxxxxxxxxxxxxxxxxxxxxxx' }, 'bad_mission', 'models/a.gguf'],
  ])('refuses a mission with %s', async (_what, files, code, words) => {
    folder.write(files as Record<string, string>);
    const failure: unknown = await create().catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  test('takes models from the library, of one file and of several', async () => {
    folder.write({ 'line/mission.yaml': 'models: [org/one@^1, {name: org/set, tiers: [3]}]\n' });
    const { manifest } = await create({ resolveModels: libraryOf(oneFile(), fileSet()) });
    expect(manifest.contents.models).toMatchObject([
      { path: 'models/one-1.4.onnx', id: 'org/one', version: '1.4', manifest: { model_id: 'org/one' } },
      { path: 'models/set-2.0', id: 'org/set', tiers: ['tier_3'], files: [{ path: 'a.bin' }, { path: 'b/c.bin' }] },
    ]);
    expect(outside(['unzip', '-t', 'line-v1.3.atmo'])).toContain('No errors detected');
  });

  test('bytes of the library that are not what it says make no package', async () => {
    folder.write({ 'line/mission.yaml': 'models: [org/one]\n' });
    const model = oneFile();
    writeFileSync(model.files[0]?.file ?? '', Buffer.alloc(model.size_bytes));
    await expect(create({ resolveModels: libraryOf(model) })).rejects.toThrow(coded('digest_mismatch'));
    expect(out()).toEqual([]);
  });

  test('what is stopped leaves nothing', async () => {
    folder.write(LINE);
    const stop = new AbortController();
    const made = create({ signal: stop.signal, onProgress: () => stop.abort() });
    await expect(made).rejects.toThrow(coded('cancelled'));
    expect(out()).toEqual([]);
  });

  test('tells how far it is', async () => {
    folder.write(LINE);
    const told: PackingProgress[] = [];
    await create({ onProgress: (progress) => told.push(progress) });
    expect(told[0]).toMatchObject({ doing: 'packing', totalBytes: expect.any(Number) });
    expect(told.every(({ doneBytes, totalBytes }) => doneBytes <= totalBytes)).toBe(true);
  });
});

const TIERED = `models:
  - {name: org/tiny@1.3, file: models/tiny-defects-1.3.onnx}
  - {name: forest@1.0, file: models/forest-1.0.pkl, tiers: [1, 2, 3]}
  - {name: bert, file: models/bert-2.0, tiers: [3]}
`;
const LACKING = `models:
  - org/detector@^1.3
  - {name: org/tiny, file: models/tiny.onnx}
agents:
  - agents/*.yml
`;

/** Answers with these, in order. */
function libraryOf(...models: LibraryModel[]): ResolveModels {
  return async (wanted) => wanted.map((_, index) => ({ model: models[index] ?? null, missing: null }));
}

function oneFile(): LibraryModel {
  const content = onnxModelBytes();
  folder.write({ 'blobs/one': content });
  const { sha256, pieceRoot: piece_root } = digestBytes(content);
  const entry = { model_id: 'org/one', name: 'One', type: 'other', format: 'onnx', version: '1.4', sha256 };
  return {
    ...{ model_id: 'org/one', version: '1.4', sha256, piece_root, size_bytes: content.length, is_file_set: false },
    files: [{ path: 'one.onnx', file: join(folder.path, 'blobs/one'), size_bytes: content.length, sha256, piece_root }],
    manifest: { ...entry, model_type: 'custom', size_bytes: content.length, created_at: '2026-03-02T00:00:00Z' },
    entry: { ...entry, size_bytes: content.length, piece_root },
  };
}

function fileSet(): LibraryModel {
  const files = ['a.bin', 'b/c.bin'].map((path) => {
    const content = bytesOf(path, 2_000_000);
    folder.write({ [`blobs/${path}`]: content });
    const { sha256, pieceRoot } = digestBytes(content);
    return { path, file: join(folder.path, 'blobs', path), size_bytes: content.length, sha256, piece_root: pieceRoot };
  });
  const list = fileSetBytes(toFileSet(files.map(({ file: _here, ...listed }) => listed)));
  const { sha256, pieceRoot: piece_root } = digestBytes(list);
  const size_bytes = 4_000_000;
  const entry = { model_id: 'org/set', name: 'Set', type: 'other', format: 'other', version: '2.0', sha256 };
  const manifest = { ...entry, model_type: 'custom', size_bytes, file_count: 2, file_list_bytes: list.length };
  return {
    ...{ model_id: 'org/set', version: '2.0', sha256, piece_root, size_bytes, is_file_set: true, files },
    manifest,
    entry,
  };
}
