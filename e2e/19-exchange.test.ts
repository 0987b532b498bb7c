/** Journey 19: models are found by what they can do, offered, deprecated, and looked into before they are loaded. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { DeploymentRow, ModelInfo, ModelInspection, ModelRow, PullEvent } from '../src/api/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeDetector } from '../src/testkit/onnx-models.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';

const DETECTOR = 'plant/detector';
/** Protocol 0: calls `os.system` when it is loaded. */
const HOSTILE = "cos\nsystem\n(S'true'\ntR.";

let network: DevNetwork;
let hq: DevNode;
let line1: DevNode;
let line2: DevNode;

beforeAll(async () => {
  network = await DevNetwork.open();
  hq = network.node('hq');
  line1 = network.node('line-1');
  line2 = network.node('line-2', { flags: ['--allow-code'] });
  await Promise.all([hq.up(), line1.up(), line2.up()]);
  await hq.json('mesh', 'init', '--name', 'plant');
  const { code } = await hq.json<{ code: string }>('mesh', 'invite', '--role', 'edge', '--uses', '2');
  await Promise.all([line1.json('join', code), line2.json('join', code)]);
  for (const [index, version] of ['1.0.0', '1.10.0', '1.9.0'].entries()) await importDetector(version, index);
  await Promise.all([line1, line2].map((node) => sees(node, DETECTOR, 3)));
});
afterAll(() => network.close());

async function importDetector(version: string, seed: number): Promise<void> {
  const path = join(network.folder, version, 'model.onnx');
  await writeDetector(path, { version: 'v1', seed });
  const words = ['--type', 'anomaly_detector', '--capabilities', 'anomaly_detection,network_monitoring'];
  await hq.json('model', 'import', path, '--name', DETECTOR, '--version', version, ...words);
}

async function sees(node: DevNode, modelId: string, versions: number): Promise<void> {
  const rows = async () => (await node.json<{ models: ModelRow[] }>('model', 'list', '--mesh')).models;
  await eventually(rows, (models) => models.filter((row) => row.model_id === modelId).length === versions, 30_000);
}

async function pull(node: DevNode, ...args: string[]) {
  const { code, events } = await node.events<PullEvent & { code?: string }>('model', 'pull', ...args);
  return { code, last: events.at(-1) };
}

test('a model is pulled by what it can do: the newest by semver that is in the range', async () => {
  const { code, last } = await pull(line1, '--capabilities', 'anom', '--version', '>=1.2');
  expect([code, last?.model_id, last?.version]).toEqual([0, DETECTOR, '1.10.0']);
  const tooLarge = await pull(line2, '--capabilities', 'anomaly_detection', '--max-size', '10B', '--wait', '1');
  expect([tooLarge.code, tooLarge.last?.code]).toEqual([3, 'nothing_offered']);
});

test('what nobody has yet is asked of the mesh, and comes when somebody gets it', async () => {
  const asked = pull(line2, '--capabilities', 'thermal_drift', '--wait', '40');
  const path = join(network.folder, 'thermal', 'model.onnx');
  await writeDetector(path, { version: 'v2', seed: 9 });
  await hq.json('model', 'import', path, '--name', 'plant/thermal', '--capability', 'thermal_drift');
  const { code, last } = await asked;
  expect([code, last?.event, last?.model_id]).toEqual([0, 'completed', 'plant/thermal']);
});

test('a deprecated version is passed over unless it is named, and shown', async () => {
  const refused = await line1.run('model', 'deprecate', `${DETECTOR}@1.10.0`, '--json');
  expect([refused.code, refused.stdout]).toEqual([6, expect.stringContaining('not_permitted')]);
  await hq.json('model', 'deprecate', `${DETECTOR}@1.10.0`, '--reason', 'drifts at night');
  const info = () => line2.json<ModelInfo>('model', 'info', DETECTOR);
  const { versions } = await eventually(info, (now) => now.versions.some(({ deprecated }) => deprecated), 20_000);
  expect(versions.map(({ version, deprecated }) => [version, deprecated])).toEqual([
    ['1.10.0', true],
    ['1.9.0', false],
    ['1.0.0', false],
  ]);
  expect(versions[0]).toMatchObject({ deprecated_reason: 'drifts at night', first_seen: expect.stringMatching(/^20/) });
  expect((await pull(line2, DETECTOR)).last).toMatchObject({ event: 'completed', version: '1.9.0' });
  expect((await pull(line2, `${DETECTOR}@1.10.0`)).last).toMatchObject({ event: 'completed', version: '1.10.0' });
  expect((await pull(line2, `${DETECTOR}@>=1.10`)).last?.code).toBe('only_deprecated');
  await hq.json('model', 'deprecate', `${DETECTOR}@1.10.0`, '--undo');
  await eventually(info, (now) => now.versions.every(({ deprecated }) => !deprecated), 20_000);
});

test('views for people: what is here, and what the mesh has since when', async () => {
  const here = async () => parse(await readFile(join(line1.home, 'models', 'registry.yaml'), 'utf8')).models;
  const local = await eventually(here, (now) => now?.[DETECTOR] !== undefined, 30_000);
  expect(local[DETECTOR]).toMatchObject({ version: '1.10.0', checksum: expect.stringMatching(/^sha256:/) });
  const view = async () => parse(await readFile(join(line2.home, 'models', 'mesh.yaml'), 'utf8')).mesh_models;
  const models = await eventually(view, (now) => now[DETECTOR]?.versions['1.10.0']?.nodes.length === 3, 30_000);
  expect(Object.keys(models[DETECTOR].versions)).toEqual(['1.0.0', '1.9.0', '1.10.0']);
  expect(models[DETECTOR].versions['1.0.0']).toMatchObject({ nodes: ['hq'], first_seen: expect.stringMatching(/^20/) });
});

test('a hostile pickle is told for what it is, moves like any bytes, and is not loaded', async () => {
  const path = join(network.folder, 'hostile', 'model.onnx');
  await mkdir(join(network.folder, 'hostile'), { recursive: true });
  await writeFile(path, HOSTILE);
  const seen = await hq.json<ModelInspection>('model', 'inspect', path);
  expect(seen).toMatchObject({ safe: false, loadable: false, files: [{ kind: 'pickle', faults: [] }] });
  expect(seen.files[0]?.imports).toEqual([
    { module: 'os', name: 'system', by: 'GLOBAL', called: true, verdict: 'dangerous' },
  ]);
  const pickle = join(network.folder, 'hostile', 'forest.joblib');
  await writeFile(pickle, HOSTILE);
  await hq.json('model', 'import', pickle, '--name', 'plant/forest', '--version', '1.0.0', '--type', 'classifier');
  await sees(line1, 'plant/forest', 1);
  await hq.run('model', 'push', 'plant/forest', 'line-1');
  const rows = async () =>
    (await hq.json<{ deployments: DeploymentRow[] }>('model', 'status', 'plant/forest')).deployments;
  const [row] = await eventually(rows, (now) => now.some(({ status }) => status === 'Failed'), 40_000);
  expect(row).toMatchObject({ node_name: 'line-1', error_code: 'code_not_permitted' });
  expect(row?.error).toContain('os.system (dangerous, called)');
});

test('code runs only where its signer may ship it and the node allows it', async () => {
  const status = async (node: string) => {
    const { deployments } = await hq.json<{ deployments: DeploymentRow[] }>('model', 'status', 'plant/forest');
    return deployments.find(({ node_name }) => node_name === node);
  };
  await hq.json('access', 'set', 'plant/forest', '--ship-code', 'admin');
  await hq.run('model', 'push', 'plant/forest', 'line-1', 'line-2');
  const refused = await eventually(
    () => status('line-1'),
    (row) => row?.error_code !== 'code_not_permitted',
    40_000,
  );
  expect(refused).toMatchObject({ status: 'Failed', error_code: 'code_not_allowed_here' });
  // There is no runtime for it here: its header is all that is looked at.
  const allowed = await eventually(
    () => status('line-2'),
    (row) => row?.status === 'Ready',
    40_000,
  );
  expect(allowed).toMatchObject({ error: null });
});

test('what a runtime has loaded is told in the view', async () => {
  await hq.run('model', 'push', `${DETECTOR}@1.9.0`, 'line-2');
  const here = async () => parse(await readFile(join(line2.home, 'models', 'registry.yaml'), 'utf8')).models;
  const isLoaded = (models: Record<string, { version: string; loaded: boolean }>) =>
    Object.values(models).some(({ version, loaded }) => version === '1.9.0' && loaded);
  const models = await eventually(here, isLoaded, 40_000);
  const row = Object.values(models as object).find(({ loaded }) => loaded);
  expect(row).toMatchObject({
    version: '1.9.0',
    loaded_at: expect.stringMatching(/^20/),
    source_node: expect.any(String),
  });
});

test('what LlamaFarm has trained is imported with type and capabilities of its folder, and told', async () => {
  const dir = join(network.folder, 'llamafarm');
  await writeDetector(join(dir, 'anomaly', 'night_20260202_153000.onnx'), { version: 'v2', seed: 21 });
  await writeDetector(join(dir, 'classifier', 'traffic.onnx'), { version: 'v1', seed: 22 });
  const { models } = await hq.json<{ models: ModelRow[] }>(
    'model',
    'import',
    '--llamafarm',
    '--type',
    'anomaly',
    '--dir',
    dir,
  );
  expect(models).toHaveLength(1);
  expect(models[0]).toMatchObject({
    ...{ model_id: 'night', version: '20260202_153000', type: 'anomaly_detector', state: 'ready' },
    capabilities: ['anomaly_detection'],
  });
  await sees(line1, 'night', 1);
});
