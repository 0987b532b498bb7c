/** Journey 1: a newcomer's first session, from an import to the same bytes on another machine. */
import { mkdir, readdir, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ModelRow } from '../src/api/index.ts';
import { MB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeGgufFile, writeOnnxFile, writeShardedSafetensors } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { listModels, pull, seesModel, sha256Of, startMesh } from './journeys.ts';

let network: DevNetwork;
let workshop: DevNode;
let edge: DevNode;
let gguf: string;

beforeAll(async () => {
  network = await DevNetwork.open();
  const nodes = await startMesh(network, ['workshop', 'edge']);
  [workshop, edge] = nodes as [DevNode, DevNode];
  gguf = join(network.folder, 'tiny-llama.Q8_0.gguf');
  await writeGgufFile(gguf, { sizeBytes: 24 * MB, seed: 1 });
});
afterAll(() => network.close());

test('1.1 an import reads the file once, in place, and says what it is', async () => {
  const row = await workshop.json<ModelRow>('model', 'import', gguf, '--name', 'acme/tiny-llama');
  expect(row).toMatchObject({
    model_id: 'acme/tiny-llama',
    type: 'llm',
    format: 'gguf',
    size_bytes: 24 * MB,
    sha256: await sha256Of(gguf),
    local: true,
    nodes: ['workshop'],
    state: 'ready',
  });
  const { path } = await workshop.json<{ path: string }>('model', 'path', 'acme/tiny-llama');
  expect(path).toBe(gguf);
});

test('1.2 the other machine sees it', async () => {
  const row = await seesModel(edge, 'acme/tiny-llama');
  expect(row).toMatchObject({ local: false, state: 'remote', nodes: ['workshop'], size_bytes: 24 * MB });
  expect(await listModels(edge)).toEqual([]);
  expect((await listModels(edge, '--available')).map((one) => one.model_id)).toEqual(['acme/tiny-llama']);
});

test('1.3 a pull brings the same bytes and says what it did', async () => {
  const { code, last, events } = await pull(edge, 'acme/tiny-llama');
  expect(code).toBe(0);
  expect(last).toMatchObject({ event: 'completed', sha256: await sha256Of(gguf), size_bytes: 24 * MB });
  expect(last.duration_ms).toBeGreaterThan(0);
  expect(events[0]?.event).toBe('started');
  expect(await sha256Of(last.path ?? '')).toBe(await sha256Of(gguf));
});

test('1.4 a second pull moves nothing', async () => {
  const { code, last } = await pull(edge, 'acme/tiny-llama');
  expect([code, last.event, last.already_here]).toEqual([0, 'completed', true]);
});

test('1.5 both machines count as holders, and the registry view names the model', async () => {
  const row = await seesModel(workshop, 'acme/tiny-llama', 2);
  expect([...(row?.nodes ?? [])].sort()).toEqual(['edge', 'workshop']);
  const read = () => readFile(join(edge.home, 'models', 'registry.yaml'), 'utf8');
  const view = await eventually(read, (text) => text.includes('acme/tiny-llama'));
  expect(view).toContain(`sha256:${row?.sha256}`);
  expect(view).toContain('source_node');
});

test('1.6 a model of several files moves as one, and shares what is already there', async () => {
  const folder = join(network.folder, 'tiny-bert');
  await mkdir(folder);
  await writeShardedSafetensors(folder, { shards: 3, sizeBytes: 9 * MB, seed: 2 });
  const row = await workshop.json<ModelRow>('model', 'import', folder, '--name', 'acme/tiny-bert');
  expect(row).toMatchObject({ format: 'safetensors', state: 'ready' });
  expect(row.file_count).toBeGreaterThanOrEqual(5);
  await seesModel(edge, 'acme/tiny-bert');
  const { code, last } = await pull(edge, 'acme/tiny-bert');
  expect([code, last.event, last.sha256]).toEqual([0, 'completed', row.sha256]);
  for (const name of await readdir(folder)) {
    expect(await sha256Of(join(last.path ?? '', name))).toBe(await sha256Of(join(folder, name)));
  }
});

test('1.7 the same bytes under another name are stored and moved once', async () => {
  await workshop.json('model', 'import', gguf, '--name', 'acme/tiny-llama-renamed');
  await seesModel(edge, 'acme/tiny-llama-renamed');
  const { last } = await pull(edge, 'acme/tiny-llama-renamed');
  expect(last.event).toBe('completed');
  expect((last.peers ?? []).reduce((sum, peer) => sum + peer.bytes, 0)).toBe(0);
  expect(last.path).toContain('tiny-llama-renamed');
});

test('1.8 an ONNX file is told by its header', async () => {
  const onnx = join(network.folder, 'matmul.onnx');
  await writeOnnxFile(onnx);
  const row = await workshop.json<ModelRow>('model', 'import', onnx, '--name', 'acme/matmul');
  expect(row).toMatchObject({ format: 'onnx', file_count: 1 });
});

test('1.9 verify reads everything again, and finds a changed byte', async () => {
  const good = await edge.events('model', 'verify', 'acme/tiny-llama');
  expect([good.code, good.events.at(-1)]).toEqual([0, expect.objectContaining({ event: 'completed' })]);
  const { path } = await edge.json<{ path: string }>('model', 'path', 'acme/tiny-bert');
  const shard = join(path, (await readdir(path)).find((name) => name.endsWith('.safetensors')) ?? '');
  const { atime, mtime } = await stat(shard);
  const { open } = await import('node:fs/promises');
  await using file = await open(shard, 'r+');
  await file.write(Buffer.from([0xff, 0x00, 0xff]), 0, 3, 500_000);
  await utimes(shard, atime, mtime);
  const bad = await edge.events('model', 'verify', 'acme/tiny-bert');
  expect(bad.code).toBe(4);
});

test('1.10 what is removed is gone, and adopted files stay', async () => {
  await workshop.json('model', 'remove', 'acme/matmul');
  expect((await listModels(workshop)).map((row) => row.model_id)).not.toContain('acme/matmul');
  expect((await stat(join(network.folder, 'matmul.onnx'))).size).toBeGreaterThan(0);
});

test('1.11 asking for what nobody has ends with 3 and says what to try', async () => {
  const { code, stderr } = await edge.run('model', 'pull', 'acme/nothing');
  expect(code).toBe(3);
  expect(stderr).toContain('acme/nothing');
  expect(stderr).toContain('try:');
});
