/** Journey 6: models that other tools keep on this machine are adopted where they lie, verified, and shared. */
import {
  chmod,
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ModelInfo, ModelRow } from '../src/api/index.ts';
import { MB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import {
  safetensorsHeader,
  writeGgufFile,
  writeHuggingFaceCache,
  writeHuggingFaceRepo,
  writeOllamaStore,
} from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { SeededBytes } from '../src/testkit/seeded-bytes.ts';
import { listModels, pull, seesModel, sha256Of, startMesh } from './journeys.ts';

const REPOS = 20;
const LARGE_BYTES = 64 * MB;
const OLD = '1111111111111111111111111111111111111111';
const NEW = '2222222222222222222222222222222222222222';
let network: DevNetwork;
let bridge: DevNode;
let edge: DevNode;
let third: DevNode;
let places: { hub: string; ollama: string; home: string; watched: string };

beforeAll(async () => {
  network = await DevNetwork.open();
  const at = (...parts: string[]) => join(network.folder, 'places', ...parts);
  places = { hub: at('hf', 'hub'), ollama: at('ollama'), home: at('home'), watched: at('watched') };
  for (const folder of Object.values(places)) await mkdir(folder, { recursive: true });
  await fillPlaces();
  bridge = network.node('bridge', {
    scanDefaults: true,
    env: { HF_HOME: at('hf'), HF_HUB_CACHE: '', OLLAMA_MODELS: places.ollama, HOME: places.home },
    flags: ['--models', at('unreadable'), '--models', places.watched],
  });
  [bridge, edge, third] = (await startMesh(network, ['bridge', 'edge', 'third'])) as [DevNode, DevNode, DevNode];
});
afterAll(() => network.close());

async function fillPlaces(): Promise<void> {
  await writeHuggingFaceCache(places.hub, { repos: REPOS, filesPerRepo: 10 });
  const weights = (seed: string, bytes = MB) =>
    Buffer.concat([
      safetensorsHeader('w', bytes),
      new SeededBytes(seed).next(bytes - safetensorsHeader('w', bytes).length),
    ]);
  const files = (seed: string, bytes?: number) =>
    new Map([
      ['config.json', Buffer.from(`{"model_type":"llama","seed":"${seed}"}`)],
      ['sub/model.safetensors', weights(seed, bytes)],
    ]);
  await writeHuggingFaceRepo(places.hub, { repo: 'acme/twice', revision: OLD, ref: 'v1', files: files('old') });
  await writeHuggingFaceRepo(places.hub, { repo: 'acme/twice', revision: NEW, files: files('new') });
  await writeHuggingFaceRepo(places.hub, { repo: 'acme/large', files: files('large', LARGE_BYTES) });
  await writeHuggingFaceRepo(places.hub, { repo: 'acme/lying', files: files('lying') });
  await rewriteLargest(join(places.hub, 'models--acme--lying', 'blobs'));
  await writeOllamaStore(places.ollama, [
    { name: 'tiny', sizeBytes: MB },
    { name: 'liar', sizeBytes: 2 * MB },
  ]);
  await rewriteLargest(join(places.ollama, 'blobs'));
  const farm = join(places.home, '.llamafarm', 'models');
  await writeGgufFile(join(farm, 'tuned_20260102_030405.gguf'), { sizeBytes: MB, seed: 'farm' });
  await writeFile(join(places.watched, 'old.pkl'), Buffer.from('\x80\x04K\x01.', 'latin1'));
  await writeGgufFile(join(places.watched, 'cut.gguf'), { sizeBytes: MB, seed: 'cut' });
  await truncate(join(places.watched, 'cut.gguf'), MB / 2);
  // Nobody can read a link to itself, root neither.
  await symlink('unreadable', join(network.folder, 'places', 'unreadable'));
  await symlink('loop.gguf', join(places.watched, 'loop.gguf'));
  await mkdir(join(places.watched, 'closed'));
  await chmod(join(places.watched, 'closed'), 0o000);
  await age(join(network.folder, 'places'));
}

/** Same name, same size, other bytes at the end. */
async function rewriteLargest(folder: string): Promise<void> {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const largest = names[sizes.indexOf(Math.max(...sizes))] ?? '';
  await using file = await open(join(folder, largest), 'r+');
  await file.write(Buffer.from('not what was there'), 0, 18, Math.max(...sizes) - 18);
}

/** As if all had been there for a day: nothing is held back for being new. */
async function age(folder: string): Promise<void> {
  const yesterday = new Date(Date.now() - 86_400_000);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), yesterday, yesterday);
}

const row = async (node: DevNode, id: string, ...flags: string[]) =>
  (await listModels(node, ...flags)).find((one) => one.model_id === id);
const becomes = (node: DevNode, id: string, state: ModelRow['state']) =>
  eventually(
    () => row(node, id),
    (one) => one?.state === state,
  );

test('6.1 what is offered has been read: another node never sees a claim', async () => {
  let seen: ModelRow | undefined;
  await eventually(
    async () => {
      seen = await row(edge, 'acme/large', '--mesh');
      return row(bridge, 'acme/large');
    },
    (here) => {
      if (here?.state !== 'ready') expect([seen, here?.sha256 ?? null]).toEqual([undefined, null]);
      return seen !== undefined && here?.state === 'ready';
    },
  );
});

test('6.2 every repository and revision is adopted in place, none copied', async () => {
  const rows = await eventually(
    () => listModels(bridge),
    (all) => all.filter((one) => one.source === 'huggingface' && one.state === 'ready').length >= REPOS + 3,
  );
  expect(rows.filter((one) => one.model_id.startsWith('acme/model-'))).toHaveLength(REPOS);
  const twice = rows.filter((one) => one.model_id === 'acme/twice');
  expect(twice.map((one) => one.version).sort()).toEqual([OLD.slice(0, 12), NEW.slice(0, 12)]);
  expect(await bytesBelow(bridge.home)).toBeLessThan(8 * MB);
});

test('6.3 the adopted files are the very files of the cache', async () => {
  const { path } = await bridge.json<{ path: string }>('model', 'path', `acme/twice@${NEW.slice(0, 12)}`);
  const snapshot = join(places.hub, 'models--acme--twice', 'snapshots', NEW);
  for (const name of ['config.json', 'sub/model.safetensors'])
    expect((await stat(join(path, name))).ino).toBe((await stat(join(snapshot, name))).ino);
});

test('6.4 a snapshot arrives at another node as a set, equal in every file', async () => {
  await seesModel(edge, 'acme/twice');
  const { code, last } = await pull(edge, `acme/twice@${OLD.slice(0, 12)}`);
  expect([code, last.event]).toEqual([0, 'completed']);
  const snapshot = join(places.hub, 'models--acme--twice', 'snapshots', OLD);
  for (const name of ['config.json', 'sub/model.safetensors'])
    expect(await sha256Of(join(last.path ?? '', name))).toBe(await sha256Of(join(snapshot, name)));
});

test('6.5 an Ollama model arrives with its template and parameters', async () => {
  await seesModel(edge, 'library/tiny:latest');
  const { code, last } = await pull(edge, 'library/tiny:latest');
  expect([code, last.event]).toEqual([0, 'completed']);
  const blobs = new Set(
    await Promise.all(
      (await readdir(join(places.ollama, 'blobs'))).map((name) => sha256Of(join(places.ollama, 'blobs', name))),
    ),
  );
  expect(blobs).toContain(await sha256Of(join(last.path ?? '', 'model.gguf')));
  expect(await readFile(join(last.path ?? '', 'template'), 'utf8')).toBe('{{ .Prompt }}');
});

test('6.6 a training of LlamaFarm has its date as version', async () => {
  expect(await becomes(bridge, 'tuned', 'ready')).toMatchObject({
    version: '20260102_030405',
    source: 'llamafarm_training',
  });
});

test.each(['acme/lying', 'library/liar:latest'])(
  '6.7 %s is not what its name claims: damaged, and never offered',
  async (id) => {
    await becomes(bridge, id, 'damaged');
    const { problem } = await bridge.json<ModelInfo>('model', 'info', id);
    expect(problem).toMatch(/claim|not what/);
    expect(await row(edge, id, '--mesh')).toBeUndefined();
    expect((await pull(edge, id)).code).toBe(3);
  },
);

test('6.8 a file that is cut short is listed as damaged, with the reason', async () => {
  await becomes(bridge, 'cut', 'damaged');
  expect((await bridge.json<ModelInfo>('model', 'info', 'cut')).problem).toMatch(/past|end|short/);
  expect(await row(edge, 'cut', '--mesh')).toBeUndefined();
});

test('6.9 a pickle is marked unsafe, here and elsewhere', async () => {
  expect(await becomes(bridge, 'old', 'ready')).toMatchObject({ unsafe: true });
  expect(await seesModel(edge, 'old')).toMatchObject({ unsafe: true });
});

test('6.10 places that cannot be read are told, and stop nothing', async () => {
  expect(bridge.log).toContain('unreadable');
  expect((await bridge.run('status')).code).toBe(0);
});

test('6.11 a new file is in the other node’s list by itself', async () => {
  await writeGgufFile(join(places.watched, 'fresh.gguf'), { sizeBytes: 2 * MB, seed: 'fresh' });
  const seen = await seesModel(edge, 'fresh');
  expect(seen?.sha256).toBe(await sha256Of(join(places.watched, 'fresh.gguf')));
});

test('6.12 a half-written file is not offered until it is whole', async () => {
  const whole = join(network.folder, 'slow.gguf');
  await writeGgufFile(whole, { sizeBytes: 2 * MB, seed: 'slow' });
  const bytes = await readFile(whole);
  const target = join(places.watched, 'slow.gguf');
  const downloading = join(places.watched, 'moved.gguf.part');
  await writeFile(target, bytes.subarray(0, MB));
  await copyFile(whole, downloading);
  // Longer than the settle time: it is looked at, and found to be cut short.
  await becomes(bridge, 'slow', 'damaged');
  expect(await row(edge, 'slow', '--mesh')).toBeUndefined();
  expect(await row(bridge, 'moved')).toBeUndefined();
  await writeFile(target, bytes.subarray(MB), { flag: 'a' });
  await rename(downloading, join(places.watched, 'moved.gguf'));
  expect((await seesModel(edge, 'slow'))?.sha256).toBe(await sha256Of(whole));
  expect((await seesModel(edge, 'moved'))?.sha256).toBe(await sha256Of(whole));
});

test('6.13 two contents under one id: the name alone is refused, the digest decides', async () => {
  const files = await Promise.all(
    ['one', 'two'].map((seed) => writeGgufFile(join(network.folder, `${seed}.gguf`), { sizeBytes: MB, seed })),
  );
  const [one, two] = await Promise.all(files.map(({ path }) => sha256Of(path)));
  await edge.json('model', 'import', files[0]?.path ?? '', '--name', 'acme/clash');
  await bridge.json('model', 'import', files[1]?.path ?? '', '--name', 'acme/clash');
  await eventually(
    async () => (await listModels(third, '--mesh')).filter((seen) => seen.model_id === 'acme/clash').length,
    (count) => count === 2,
  );
  const refused = await third.run('model', 'pull', 'acme/clash');
  expect(refused.code).toBe(6);
  for (const sha256 of [one, two]) expect(refused.stderr).toContain(`acme/clash@sha256:${sha256?.slice(0, 12)}`);
  const { code, last } = await pull(third, `sha256:${two}`);
  expect([code, last.event, last.sha256]).toEqual([0, 'completed', two]);
});

test('6.14 names that are no names on some machine stay inside the home', async () => {
  const names = ['..\\evil', 'CON', '-rf', 'a b\nc', '％２ｅ', '~', 'x'.repeat(200), '…', 'semi;rm', '..%2f..%2fup'];
  for (const [index, name] of names.entries())
    await writeGgufFile(join(places.watched, 'odd', `${name}.gguf`), { sizeBytes: 128 * 1024, seed: `odd${index}` });
  await age(join(places.watched, 'odd'));
  const visible = names.filter((name) => !name.startsWith('.') && !name.startsWith('~')).length;
  const rows = await eventually(
    async () => (await listModels(third, '--mesh')).filter((one) => one.model_id.startsWith('odd/')),
    (found) => found.length === visible,
  );
  const before = await readdir(network.folder);
  for (const { model_id: id } of rows) {
    expect(id).toMatch(/^[A-Za-z0-9._+:@/-]+$/);
    const { code, last } = await pull(third, id);
    expect([code, last.event]).toEqual([0, 'completed']);
    expect(last.path?.startsWith(`${third.home}/`)).toBe(true);
    expect(basename(last.path ?? '')).not.toMatch(/[\\\n]/);
  }
  expect(await readdir(network.folder)).toEqual(before);
});

test('6.15 after a restart nothing is read again', async () => {
  await bridge.stop();
  await bridge.up();
  expect(await row(bridge, 'acme/large')).toMatchObject({ state: 'ready', sha256: expect.any(String) });
});

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async (one) => (await stat(join(one.parentPath, one.name))).blocks * 512));
  return sizes.reduce((sum, size) => sum + size, 0);
}
