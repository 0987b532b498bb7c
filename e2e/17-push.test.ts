/** Journey 17: a model is ordered onto nodes; each fetches, probes, puts in force, says so, and goes back by itself when it must. */
import { createHash } from 'node:crypto';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeploymentRow, OrderEvent } from '../src/api/index.ts';
import { MB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { type BrokenModel, writeBrokenModel, writeDetector, writeLayers } from '../src/testkit/onnx-models.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { look } from './look.ts';

const DETECTOR = 'acme/detector';
let network: DevNetwork;
let hq: DevNode;
let line1: DevNode;
let line2: DevNode;

beforeAll(async () => {
  network = await DevNetwork.open();
  [hq, line1, line2] = ['hq', 'line-1', 'line-2'].map((name) => network.node(name)) as [DevNode, DevNode, DevNode];
  await Promise.all([hq.up(), line1.up(), line2.up()]);
  await hq.json('mesh', 'init', '--name', 'plant');
  const { code } = await hq.json<{ code: string }>('mesh', 'invite', '--role', 'edge', '--uses', '2');
  await Promise.all([line1.json('join', code), line2.json('join', code)]);
  await importDetector('1.0.0', 'v1');
});
afterAll(() => network.close());

async function importAs(path: string, name: string, version: string): Promise<void> {
  const { code, stderr } = await hq.run('model', 'import', path, '--name', name, '--version', version);
  expect([code, stderr]).toEqual([0, expect.anything()]);
}

async function importDetector(at: string, version: 'v1' | 'v2', seed = 1): Promise<void> {
  const path = join(network.folder, at, 'model.onnx');
  await writeDetector(path, { version, seed });
  await importAs(path, DETECTOR, at);
}

async function importBroken(at: string, kind: BrokenModel): Promise<void> {
  const path = join(network.folder, at, 'model.onnx');
  await writeBrokenModel(path, kind);
  await importAs(path, DETECTOR, at);
}

/** What `node` has heard of a model: version and status by node. */
async function heard(node: DevNode, modelId = DETECTOR): Promise<DeploymentRow[]> {
  return (await look(node, 'deployments', { query: { id: modelId } }))?.deployments ?? [];
}

function rowOf(rows: readonly DeploymentRow[], node: DevNode, version: string): DeploymentRow | undefined {
  return rows.find((row) => row.node_name === node.name && row.version === version);
}

async function until(node: DevNode, version: string, status: string, modelId = DETECTOR): Promise<DeploymentRow> {
  const find = async () => rowOf(await heard(hq, modelId), node, version);
  const row = await eventually(find, (one) => one?.status === status, 40_000);
  if (row === undefined) throw new Error('no row');
  return row;
}

async function inForce(node: DevNode): Promise<string> {
  const folders = join(node.home, 'models', 'files');
  const [folder = ''] = await readdir(folders);
  return readlink(join(folders, folder, 'current'));
}

async function push(...args: readonly string[]) {
  const { code, events, stderr } = await hq.events<OrderEvent>('model', 'push', ...args);
  return { code, events, stderr, last: events.at(-1) };
}

test('17.1 a model pushed to one node is fetched, answers there, is in force, and nowhere else', async () => {
  const { code, last } = await push(DETECTOR, 'line-1');
  expect([code, last]).toEqual([0, expect.objectContaining({ event: 'completed', done: 1, failures: 0, waiting: 0 })]);
  const { deployments: rows } = await hq.json<{ deployments: DeploymentRow[] }>('model', 'status', DETECTOR);
  expect(rows).toEqual([
    expect.objectContaining({ node_name: 'line-1', version: '1.0.0', status: 'Loaded', error: null }),
  ]);
  expect(rows[0]?.because).toBe(`command:${last?.command_id}`);
  expect(await inForce(line1)).toBe('1.0.0');
  const [own] = await heard(line1);
  expect(
    (await readFile(own?.local_path ?? '')).equals(await readFile(join(network.folder, '1.0.0', 'model.onnx'))),
  ).toBe(true);
});

test('17.2 pushed to a role it is on all of them, and a second time nothing moves', async () => {
  const first = await push(DETECTOR, '--role', 'edge');
  expect([first.code, first.last?.done]).toEqual([0, 2]);
  const before = rowOf(await heard(hq), line2, '1.0.0');
  const again = await push(DETECTOR, '--role', 'edge');
  expect([again.code, again.last?.done]).toEqual([0, 2]);
  expect(rowOf(await heard(hq), line2, '1.0.0')?.loaded_at).toBe(before?.loaded_at);
});

test('17.3 a version that does not answer is taken back within seconds, and why is told', async () => {
  await importBroken('2.0.0', 'answersNaN');
  const { code, last, stderr } = await push(`${DETECTOR}@2.0.0`, 'line-1');
  expect([code, last?.event, last?.failures]).toEqual([6, 'failed', 1]);
  expect(stderr).toContain('1 of 1 nodes failed');
  const rows = await heard(hq);
  expect(rowOf(rows, line1, '2.0.0')).toMatchObject({
    status: 'Failed',
    error_code: 'wrong_answer',
    previous_version: '1.0.0',
  });
  expect(rowOf(rows, line1, '1.0.0')).toMatchObject({ status: 'Loaded' });
  expect(await inForce(line1)).toBe('1.0.0');
  const { entries } = await line1.json<{ entries: { event: string; facts: { took_ms: number; back: string } }[] }>(
    'audit',
  );
  const back = entries.findLast(({ event }) => event === 'rollback');
  expect(back?.facts.back).toBe('1.0.0');
  expect(back?.facts.took_ms).toBeLessThan(5000);
  const doctor = await line1.run('doctor');
  expect(doctor.stdout).toContain('deployment acme/detector');
});

test('17.4 the way back to an older version, ordered, needs nobody', async () => {
  await push(`${DETECTOR}@1.0.0`, 'line-1');
  await importDetector('3.0.0', 'v2');
  expect((await push(`${DETECTOR}@3.0.0`, 'line-1')).code).toBe(0);
  expect(await inForce(line1)).toBe('3.0.0');
  expect((await push(`${DETECTOR}@1.0.0`, 'line-1')).code).toBe(0);
  expect(await inForce(line1)).toBe('1.0.0');
});

test('17.5 kill -9 while it fetches: the order is done after the restart, from what had come', async () => {
  const path = join(network.folder, 'large', 'model.onnx');
  await writeLayers(path, 96 * MB);
  await importAs(path, 'acme/large', '1.0.0');
  await line2.json('transfers', 'limit', '--download', '20MB/s');
  await push('acme/large', 'line-2', '--detach');
  const find = async () => rowOf(await heard(hq, 'acme/large'), line2, '1.0.0');
  await eventually(find, (row) => row?.status === 'Downloading' && row.download_progress > 0.1, 30_000);
  await line2.kill();
  await line2.up();
  await line2.json('transfers', 'limit', '--clear');
  const row = await until(line2, '1.0.0', 'Loaded', 'acme/large');
  expect(row.error).toBeNull();
});

test('17.6 kill -9 while it probes: what was in force stays, and a later order is done', async () => {
  await importBroken('4.0.0', 'hangs');
  await push(`${DETECTOR}@4.0.0`, 'line-2', '--detach');
  const find = async () => rowOf(await heard(hq), line2, '4.0.0');
  await eventually(find, (row) => row?.download_progress === 1, 30_000);
  await line2.kill();
  await line2.up();
  expect(await inForce(line2)).toBe('1.0.0');
  expect((await push(`${DETECTOR}@3.0.0`, 'line-2', '--wait')).code).toBe(0);
  expect(await inForce(line2)).toBe('3.0.0');
});

test('17.7 a node that was away catches up when it is back', async () => {
  await line1.stop();
  const { code, last, events } = await push(`${DETECTOR}@3.0.0`, '--role', 'edge');
  expect([code, last?.event]).toEqual([0, 'completed']);
  expect(events[0]?.nodes?.find((node) => node.node_name === 'line-1')?.online).toBe(false);
  await line1.up();
  await until(line1, '3.0.0', 'Loaded');
  expect(await inForce(line1)).toBe('3.0.0');
});

test('17.8 a node that the model does not fit, or that may not have it, fetches nothing and says every reason', async () => {
  const folder = join(network.folder, 'huge');
  await writeDetector(join(folder, 'model.onnx'), { seed: 9 });
  const bytes = await readFile(join(folder, 'model.onnx'));
  const manifest = {
    ...{ name: 'acme/huge', version: '1.0.0', type: 'anomaly_detector', format: 'onnx', size_bytes: bytes.length },
    checksum_sha256: createHash('sha256').update(bytes).digest('hex'),
    node_requirements: { min_memory_mb: 900_000, min_cpu_cores: 5000 },
  };
  await writeFile(join(folder, 'model-manifest.yaml'), JSON.stringify(manifest));
  await importAs(join(folder, 'model.onnx'), 'acme/huge', '1.0.0');
  const unfit = await push('acme/huge', 'line-1');
  expect([unfit.code, unfit.last?.event]).toEqual([6, 'failed']);
  const [row] = await heard(hq, 'acme/huge');
  expect(row?.error).toMatch(/memory.*cores|cores.*memory/s);
  await hq.json('access', 'set', 'acme/secret', '--read', 'admin', '--write', 'admin', '--deploy', 'admin');
  const secret = join(network.folder, 'secret', 'model.onnx');
  await writeDetector(secret, { seed: 10 });
  await importAs(secret, 'acme/secret', '1.0.0');
  expect((await push('acme/secret', 'line-1')).code).toBe(6);
  expect((await heard(hq, 'acme/secret'))[0]).toMatchObject({ status: 'Failed', error_code: 'not_permitted' });
  const { models } = await line1.json<{ models: { model_id: string }[] }>('model', 'list');
  expect(models.map((model) => model.model_id)).not.toContain('acme/secret');
});

test('17.9 who may not deploy is refused, and names that are none with what comes near', async () => {
  const edge = await line1.run('model', 'push', DETECTOR, 'line-2');
  expect([edge.code, edge.stderr]).toEqual([6, expect.stringContaining('may not deploy')]);
  const node = await hq.run('model', 'push', DETECTOR, 'lime-1');
  expect([node.code, node.stderr]).toEqual([3, expect.stringContaining('line-1')]);
  const model = await hq.run('model', 'push', 'acme/detecter', 'line-1');
  expect([model.code, model.stderr]).toEqual([3, expect.stringContaining(DETECTOR)]);
  const role = await hq.run('model', 'push', DETECTOR, '--role', 'egde');
  expect([role.code, role.stderr]).toEqual([3, expect.stringContaining('edge')]);
  const nobody = await hq.run('model', 'push', DETECTOR);
  expect([nobody.code, nobody.stderr]).toEqual([2, expect.stringContaining('--all')]);
});

test('17.10 what its owner pinned stays, whatever is ordered, until it is let go', async () => {
  await line1.json('model', 'pin', `${DETECTOR}@1.0.0`);
  await until(line1, '1.0.0', 'Loaded');
  const { code } = await push(`${DETECTOR}@3.0.0`, 'line-1');
  expect(code).toBe(6);
  expect(await inForce(line1)).toBe('1.0.0');
  await line1.json('model', 'unpin', DETECTOR);
  await until(line1, '3.0.0', 'Loaded');
});

test('17.11 metrics tell of the fleet, as JSON and for Prometheus', async () => {
  const { deployment_metrics: metrics } = await hq.json<{ deployment_metrics: Record<string, unknown> }>(
    'model',
    'status',
  );
  expect(metrics).toMatchObject({
    pending_transfers: 0,
    rollback_failed: 0,
    by_model: { [DETECTOR]: { nodes: 2, version_distribution: { '3.0.0': 2 } } },
  });
  const text = await (await fetch(`${hq.ready.http}/metrics`)).text();
  expect(text).toContain(`atmosphere_deployment_nodes{model="${DETECTOR}",version="3.0.0"} 2`);
});

test('17.12 a deployed model that somebody deleted here is got again', async () => {
  const before = rowOf(await heard(hq), line2, '3.0.0')?.loaded_at;
  expect(await line2.json('model', 'remove', `${DETECTOR}@3.0.0`)).toMatchObject({ still_wanted: 'command' });
  const find = async () => rowOf(await heard(hq), line2, '3.0.0');
  await eventually(find, (row) => row?.status === 'Loaded' && row.loaded_at !== before, 30_000);
  const own = rowOf(await heard(line2), line2, '3.0.0');
  expect((await readFile(own?.local_path ?? '')).length).toBeGreaterThan(0);
});

test('17.13 undeploy takes it away everywhere, once and twice', async () => {
  for (const _ of [1, 2]) {
    const { code, events } = await hq.events<OrderEvent>('model', 'undeploy', DETECTOR, '--all');
    expect([code, events.at(-1)?.event]).toEqual([0, 'completed']);
  }
  expect(await heard(hq)).toEqual([]);
  const { models } = await line2.json<{ models: { model_id: string }[] }>('model', 'list');
  expect(models.map((model) => model.model_id)).not.toContain(DETECTOR);
});
