import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  writeGgufFile,
  writeHuggingFaceCache,
  writeHuggingFaceRepo,
  writeOllamaStore,
  writeOnnxFile,
  writeShardedSafetensors,
} from '../testkit/model-files.ts';
import type { InventoryError } from './errors.ts';
import { FolderScanner, llamaFarmScanner } from './folder-scanner.ts';
import type { FoundModel } from './found-model.ts';
import { HuggingFaceScanner, huggingFaceCacheFolder } from './huggingface-scanner.ts';
import { OllamaScanner, ollamaStoreFolder } from './ollama-scanner.ts';
import type { Scanner } from './scanner.ts';

/** A program of every POSIX system, not a dependency. */
const MKFIFO = 'mkfifo';

let root = '';
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'scanners-')));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function scanAll(scanner: Scanner) {
  const problems: InventoryError[] = [];
  const context = {
    signal: new AbortController().signal,
    onFolder() {},
    report: (problem: InventoryError) => problems.push(problem),
  };
  const models: FoundModel[] = [];
  for await (const model of scanner.scan(context)) models.push(model);
  models.sort((a, b) => (a.modelId + a.version < b.modelId + b.version ? -1 : 1));
  return { models, problems, ids: models.map(({ modelId }) => modelId as string) };
}

async function gguf(name: string): Promise<Buffer> {
  const path = join(root, `made-${name}`);
  await writeGgufFile(path, { sizeBytes: 20_000, seed: name });
  const bytes = await readFile(path);
  await rm(path);
  return bytes;
}

test('huggingFaceCacheFolder() follows HF_HUB_CACHE, then HF_HOME, then the home', () => {
  expect(huggingFaceCacheFolder({ HF_HUB_CACHE: '/a', HF_HOME: '/b' }, '/h')).toBe('/a');
  expect(huggingFaceCacheFolder({ HF_HOME: '/b' }, '/h')).toBe('/b/hub');
  expect(huggingFaceCacheFolder({}, '/h')).toBe('/h/.cache/huggingface/hub');
  expect(ollamaStoreFolder({ OLLAMA_MODELS: '/o' }, '/h')).toBe('/o');
  expect(ollamaStoreFolder({}, '/h')).toBe('/h/.ollama/models');
});

test('HuggingFaceScanner finds each snapshot as a set, with the LFS name as a claim and the organisation kept', async () => {
  await writeHuggingFaceCache(root, { repos: 3, filesPerRepo: 10 });
  const { models, problems, ids } = await scanAll(new HuggingFaceScanner(root));
  expect(problems).toEqual([]);
  expect(ids).toEqual(['acme/model-0', 'acme/model-1', 'acme/model-2']);
  expect(models[0]).toMatchObject({
    isFileSet: true,
    type: 'llm',
    format: 'safetensors',
    quantization: 'BF16',
    source: 'huggingface',
  });
  expect(models[0]?.metadata).toMatchObject({ ref: 'main', architecture: 'llama' });
  const claims = models[0]?.files.filter(({ claimedSha256 }) => claimedSha256 !== undefined);
  expect(claims?.map(({ path }) => path)).toEqual(['model.safetensors']);
});

test('HuggingFaceScanner lists every revision as a version', async () => {
  const files = new Map([['m.gguf', await gguf('m')]]);
  await writeHuggingFaceRepo(root, { repo: 'acme/m', files, revision: 'a'.repeat(40), ref: 'v1' });
  await writeHuggingFaceRepo(root, { repo: 'acme/m', files, revision: 'b'.repeat(40) });
  const { models } = await scanAll(new HuggingFaceScanner(root));
  expect(models.map(({ version, metadata }) => [version, metadata.ref])).toEqual([
    ['a'.repeat(12), 'v1'],
    ['b'.repeat(12), 'main'],
  ]);
  expect(models[0]).toMatchObject({ modelId: 'acme/m', isFileSet: false, format: 'gguf', quantization: 'Q8_0' });
});

test('HuggingFaceScanner makes each quantization a model of its own', async () => {
  const files = new Map([
    ['README.md', Buffer.from('# x')],
    ['m-Q4_K_M.gguf', await gguf('a')],
    ['m-Q8_0.gguf', await gguf('b')],
  ]);
  await writeHuggingFaceRepo(root, { repo: 'acme/m', files });
  expect((await scanAll(new HuggingFaceScanner(root))).ids).toEqual(['acme/m/m-Q4_K_M', 'acme/m/m-Q8_0']);
});

test('HuggingFaceScanner refuses a link out of the repository, leaves out a broken one and an unfinished blob', async () => {
  const snapshot = await writeHuggingFaceRepo(root, { repo: 'acme/m', files: new Map([['a.gguf', await gguf('a')]]) });
  await writeFile(join(root, 'secret.gguf'), await gguf('secret'));
  await symlink('../../../secret.gguf', join(snapshot, 'b.gguf'));
  await symlink('/etc', join(snapshot, 'etc'));
  await symlink('../../blobs/nothing', join(snapshot, 'c.gguf'));
  await writeFile(join(snapshot, '..', '..', 'blobs', 'abc.incomplete'), 'x');
  const { ids, problems } = await scanAll(new HuggingFaceScanner(root));
  expect(ids).toEqual(['acme/m']);
  expect(problems.map(({ code }) => code)).toEqual(['unsafe_entry', 'unsafe_entry']);
});

test('HuggingFaceScanner marks a snapshot damaged whose shards are not all there', async () => {
  const index = { weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } };
  const files = new Map([
    ['config.json', Buffer.from('{}')],
    ['model.safetensors.index.json', Buffer.from(JSON.stringify(index))],
  ]);
  await writeHuggingFaceRepo(root, { repo: 'acme/m', files });
  const { models } = await scanAll(new HuggingFaceScanner(root));
  expect(models[0]?.damaged).toContain('model-00001-of-00002.safetensors');
});

test('OllamaScanner finds models of all registries with their layers as claims', async () => {
  await writeOllamaStore(root, [
    { name: 'llama3', tag: '8b' },
    { name: 'm', namespace: 'bob', registry: 'hf.co', tag: 'Q4_K_M' },
  ]);
  const { models, ids, problems } = await scanAll(new OllamaScanner(root));
  expect(problems).toEqual([]);
  expect(ids).toEqual(['hf.co/bob/m:Q4_K_M', 'library/llama3:8b']);
  expect(models[1]).toMatchObject({
    name: 'llama3:8b',
    type: 'llm',
    format: 'gguf',
    isFileSet: true,
    contextLength: 8192,
  });
  expect(models[1]?.files.map(({ path, claimedSha256 }) => [path, claimedSha256 !== undefined])).toEqual([
    ['config.json', true],
    ['license', true],
    ['manifest.json', false],
    ['model.gguf', true],
    ['params', true],
    ['template', true],
  ]);
});

test('OllamaScanner reports a manifest that is none, and marks a missing or cut blob as damage', async () => {
  await writeOllamaStore(root, [{ name: 'cut' }, { name: 'gone', sizeBytes: 40_000 }]);
  await mkdir(join(root, 'manifests/registry.ollama.ai/library/bad'), { recursive: true });
  const evil = { layers: [{ mediaType: 'x', digest: 'sha256:../../../../etc/passwd', size: 1 }] };
  await writeFile(join(root, 'manifests/registry.ollama.ai/library/bad/evil'), JSON.stringify(evil));
  await writeFile(join(root, 'manifests/registry.ollama.ai/library/bad/json'), '{');
  const before = await scanAll(new OllamaScanner(root));
  for (const model of before.models) {
    const blob = model.files.find(({ path }) => path === 'model.gguf')?.absolutePath ?? '';
    await (model.modelId.includes('cut') ? truncate(blob, 100) : rm(blob));
  }
  const { models, problems } = await scanAll(new OllamaScanner(root));
  expect(models.map(({ damaged }) => damaged)).toEqual([
    'model.gguf has 100 bytes, wanted 32768',
    'missing: model.gguf',
  ]);
  expect(problems.map(({ code }) => code)).toEqual(['bad_manifest', 'bad_manifest']);
});

test('llamaFarmScanner() takes the date of files and folders as the version', async () => {
  await mkdir(join(root, 'det_20250314_153000/weights'), { recursive: true });
  await writeFile(join(root, 'det_20250314_153000/weights/best.pt'), 'x');
  await writeFile(join(root, 'cats_20250101_000000.pt'), 'x');
  await writeFile(join(root, 'cats_20250201_000000.pt'), 'y');
  await writeFile(join(root, 'base.pt'), 'z');
  const { models } = await scanAll(llamaFarmScanner(root));
  expect(models.map(({ modelId, version, source, unsafe }) => [modelId, version, source, unsafe])).toEqual([
    ['base', '0', 'llamafarm', true],
    ['cats', '20250101_000000', 'llamafarm_training', true],
    ['cats', '20250201_000000', 'llamafarm_training', true],
    ['det/weights/best', '20250314_153000', 'llamafarm_training', true],
  ]);
});

test('FolderScanner finds single files and sets, and leaves out what is no model', async () => {
  await writeGgufFile(join(root, 'acme/llama-Q8_0.gguf'), { sizeBytes: 20_000 });
  await writeOnnxFile(join(root, 'linear.onnx'));
  await writeShardedSafetensors(join(root, 'sharded'), { shards: 2, sizeBytes: 10_000 });
  await writeFile(join(root, 'data.bin'), 'plain numbers');
  await writeFile(join(root, 'evil.bin'), Buffer.from('80025d2e', 'hex'));
  await writeFile(join(root, 'notes.txt'), 'x');
  await writeFile(join(root, 'half.gguf.part'), 'x');
  const { models, ids, problems } = await scanAll(new FolderScanner(root));
  expect(problems).toEqual([]);
  expect(ids).toEqual(['acme/llama-Q8_0', 'evil', 'linear', 'sharded']);
  expect(models.map(({ unsafe }) => unsafe)).toEqual([false, true, false, false]);
  expect(models[3]).toMatchObject({
    name: 'sharded',
    isFileSet: true,
    type: 'llm',
    sizeBytes: expect.any(Number),
    contextLength: 8192,
  });
  expect(models[3]?.files.map(({ path }) => path)).toContain('model-00002-of-00002.safetensors');
  expect(JSON.stringify(models.map(({ sourceRef, metadata, name }) => [sourceRef, metadata, name]))).not.toContain(
    root,
  );
});

test('FolderScanner lists damaged files as damaged and goes on', async () => {
  await writeGgufFile(join(root, 'cut.gguf'), { sizeBytes: 20_000 });
  await truncate(join(root, 'cut.gguf'), 15_000);
  await writeFile(join(root, 'absurd.safetensors'), Buffer.from('ffffffffffffff7f7b7d', 'hex'));
  await writeFile(join(root, 'absurd.onnx'), Buffer.from('08083affffffffffffffff7f', 'hex'));
  await writeFile(join(root, 'empty.gguf'), '');
  const { models } = await scanAll(new FolderScanner(root));
  expect(models).toHaveLength(4);
  for (const { damaged } of models) expect(damaged).toMatch(/^Reading an? .* header: /);
});

test('FolderScanner gives two files of one stem two ids', async () => {
  await writeGgufFile(join(root, 'm.gguf'), { sizeBytes: 20_000 });
  await writeOnnxFile(join(root, 'm.onnx'));
  expect((await scanAll(new FolderScanner(root))).ids).toEqual(['m.gguf', 'm.onnx']);
});

test('FolderScanner follows links once and ends their loops', async () => {
  await writeGgufFile(join(root, 'a/m.gguf'), { sizeBytes: 20_000 });
  await symlink('..', join(root, 'a/up'));
  await symlink(root, join(root, 'self'));
  await symlink('loop', join(root, 'loop'));
  expect((await scanAll(new FolderScanner(root))).ids).toEqual(['a/m']);
});

test('FolderScanner never opens fifos and sockets', async () => {
  execFileSync(MKFIFO, [join(root, 'pipe.gguf')]);
  await symlink('pipe.gguf', join(root, 'link.gguf'));
  const server = createServer().listen(join(root, 'socket.gguf'));
  await new Promise((resolve) => server.once('listening', resolve));
  const { ids } = await scanAll(new FolderScanner(root));
  await new Promise((resolve) => server.close(resolve));
  expect(ids).toEqual([]);
});

test('FolderScanner renames a lone file with an unsafe name and leaves one out of a set', async () => {
  const bytes = await gguf('x');
  await writeFile(join(root, 'a\\b:c?.gguf'), bytes);
  await writeShardedSafetensors(join(root, 'set'), { shards: 1, sizeBytes: 5000 });
  await writeFile(join(root, 'set/aux.json'), '{}');
  const { models, problems } = await scanAll(new FolderScanner(root));
  expect(models[0]?.files[0]?.path).toMatch(/^_a-b-c--[0-9a-f]{8}\.gguf$/);
  expect(models[1]?.damaged).toContain('not safe');
  expect(problems.map(({ code }) => code)).toEqual(['unsafe_entry']);
});

test('FolderScanner takes a root that is a file as all there is', async () => {
  await writeGgufFile(join(root, 'm.gguf'), { sizeBytes: 20_000 });
  await writeGgufFile(join(root, 'other.gguf'), { sizeBytes: 20_000 });
  expect((await scanAll(new FolderScanner(join(root, 'm.gguf')))).ids).toEqual(['m']);
});

test.each([
  ['huggingface', (path: string) => new HuggingFaceScanner(join(path, 'below'))],
  ['folder', (path: string) => new FolderScanner(join(path, 'below'))],
  ['ollama', (path: string) => new OllamaScanner(join(path, 'below'))],
])('a %s root below a file is unreadable, one that is absent is empty', async (_, make) => {
  await writeFile(join(root, 'file'), 'x');
  await expect(scanAll(make(join(root, 'file')))).rejects.toMatchObject({ code: 'unreadable' });
  expect((await scanAll(make(join(root, 'absent')))).models).toEqual([]);
});

test('HuggingFaceScanner reports a repository it cannot read and lists the others', async () => {
  await writeHuggingFaceCache(root, { repos: 2, filesPerRepo: 3 });
  await rm(join(root, 'models--acme--model-0/snapshots'), { recursive: true });
  await writeFile(join(root, 'models--acme--model-0/snapshots'), 'a file where a folder should be');
  const { ids, problems } = await scanAll(new HuggingFaceScanner(root));
  expect(ids).toEqual(['acme/model-1']);
  expect(problems.map(({ code }) => code)).toEqual(['unreadable']);
});

test('two folders with one id and version give two keys', async () => {
  await writeGgufFile(join(root, 'one/m.gguf'), { sizeBytes: 20_000, seed: 1 });
  await writeGgufFile(join(root, 'two/m.gguf'), { sizeBytes: 20_000, seed: 2 });
  const [one, two] = [
    await scanAll(new FolderScanner(join(root, 'one'))),
    await scanAll(new FolderScanner(join(root, 'two'))),
  ];
  expect([...one.ids, ...two.ids]).toEqual(['m', 'm']);
  expect(one.models[0]?.key).not.toBe(two.models[0]?.key);
});
