/** Journey 10: one machine has a model and a slow uplink, three want it at once: they give each other what they have. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ModelRow } from '../src/api/index.ts';
import { MB, MiB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeGgufFile, writeShardedSafetensors } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { curl, curlJson } from './http.ts';
import { listModels, pull, seesModel, sha256Of, startMesh } from './journeys.ts';

const MODEL_BYTES = 32 * MB;
const HOLDS_ALL = 1;
let network: DevNetwork;
let seeder: DevNode;
let leechers: DevNode[];

beforeAll(async () => {
  network = await DevNetwork.open();
  const nodes = await startMesh(network, ['seeder', 'one', 'two', 'three']);
  [seeder, ...leechers] = nodes as [DevNode, ...DevNode[]];
  await seeder.json('transfers', 'limit', '--upload', '48Mbps');
});
afterAll(() => network.close());

async function offer(name: string, seed: number): Promise<string> {
  const path = join(network.folder, `${seed}.gguf`);
  await writeGgufFile(path, { sizeBytes: MODEL_BYTES, seed });
  await seeder.json('model', 'import', path, '--name', name);
  await Promise.all(leechers.map((node) => seesModel(node, name)));
  return path;
}

/** Bytes of blobs that a node has sent since it was started. */
async function sentBytes(node: DevNode): Promise<number> {
  const { body } = await curl(`${node.ready.http}/metrics`);
  const counts = [...body.toString().matchAll(/^atmosphere_http_sent_bytes_total\{[^}]*\} (\d+)/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

async function rowOf(node: DevNode, name: string): Promise<ModelRow | undefined> {
  return (await listModels(node, '--mesh')).find((row) => row.model_id === name);
}

/** Do the downloaders have every piece among them? */
async function haveAllTogether(name: string): Promise<boolean> {
  const row = await rowOf(leechers[0] as DevNode, name);
  const answers = await Promise.all(leechers.map((node) => curl(`${node.ready.http}/v1/blobs/${row?.sha256}/have`)));
  const told = answers.filter(({ status }) => status === 200).map(({ body }) => body);
  if (told.some(([type]) => type === HOLDS_ALL)) return true;
  const pieces = Array.from({ length: Math.ceil(MODEL_BYTES / MiB) }, (_, index) => index);
  return pieces.every((index) => told.some((body) => ((body[5 + (index >> 3)] ?? 0) & (0x80 >> (index & 7))) !== 0));
}

test('10.1 three that start together all have the right file, and the seeder sent less than two', async () => {
  const path = await offer('acme/one-for-all', 21);
  const pulls = await Promise.all(leechers.map((node) => pull(node, 'acme/one-for-all')));
  for (const { code, last } of pulls) {
    expect([code, last.event]).toEqual([0, 'completed']);
    expect(await sha256Of(last.path ?? '')).toBe(await sha256Of(path));
  }
  const [bySeeder, ...byOthers] = await Promise.all([seeder, ...leechers].map(sentBytes));
  expect(bySeeder).toBeLessThan(2 * MODEL_BYTES);
  expect(byOthers.every((bytes) => bytes > 0)).toBe(true);
});

test('10.2 a part is members’ business: never listed, never whole, never for strangers', async () => {
  await offer('acme/half-way', 22);
  const [one, two] = leechers as [DevNode, DevNode];
  const running = pull(one, 'acme/half-way');
  const row = await rowOf(one, 'acme/half-way');
  const url = `${one.ready.http}/v1/blobs/${row?.sha256}`;
  const have = await eventually(
    () => curl(`${url}/have`),
    ({ status, body }) => status === 200 && body.subarray(5).some((bits) => bits !== 0),
  );
  expect(have.headers['content-type']).toBe('application/octet-stream');
  const first = have.body.subarray(5).findIndex((bits) => bits !== 0);
  const index = first * 8 + Math.clz32(have.body[5 + first] ?? 0) - 24;
  const whole = await curlJson(url);
  expect([whole.status, whole.json.code]).toEqual([404, 'blob_not_found']);
  const piece = await curl(url, '-r', `${index * MiB}-${index * MiB + 99}`);
  expect([piece.status, piece.body.length]).toEqual([206, 100]);
  const stranger = await curlJson(`${url.replace('http:', 'https:')}/have`, '--insecure');
  expect([stranger.status, stranger.json.code]).toEqual([404, 'blob_not_found']);
  expect((await rowOf(two, 'acme/half-way'))?.nodes).toEqual(['seeder']);
  expect((await running).code).toBe(0);
  await seesModel(two, 'acme/half-way', 2);
});

test('10.3 a model of several files goes from hand to hand too', async () => {
  const folder = join(network.folder, 'sharded');
  await writeShardedSafetensors(folder, { shards: 3, sizeBytes: MODEL_BYTES, seed: 23 });
  const before = await sentBytes(seeder);
  await seeder.json('model', 'import', folder, '--name', 'acme/sharded');
  await Promise.all(leechers.map((node) => seesModel(node, 'acme/sharded')));
  const pulls = await Promise.all(leechers.map((node) => pull(node, 'acme/sharded')));
  expect(pulls.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect((await sentBytes(seeder)) - before).toBeLessThan(2 * MODEL_BYTES);
});

test('10.4 a seeder that is killed when each piece is out once is not missed', async () => {
  const path = await offer('acme/orphan', 24);
  const pulls = Promise.all(leechers.map((node) => pull(node, 'acme/orphan')));
  await eventually(
    () => haveAllTogether('acme/orphan'),
    (all) => all,
  );
  await seeder.kill();
  for (const { code, last } of await pulls) {
    expect([code, last.event]).toEqual([0, 'completed']);
    expect(await sha256Of(last.path ?? '')).toBe(await sha256Of(path));
  }
});
