/**
 * Journey 20: a fleet of eight. A model comes by itself, another by order, a bad one is sent back, a machine that was away catches
 * up, a private one stays private; and everybody can say why.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NodeRow } from '../src/api/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeBrokenModel, writeDetector } from '../src/testkit/onnx-models.ts';
import { DevNetwork } from '../src/testkit/processes.ts';
import { deploymentsOf, type Fleet, hears, importModel, startFleet } from './fleet.ts';
import { listModels, pull, seesModel } from './journeys.ts';

const DETECTOR = 'factory/detector';
const SECRET = 'factory/recipe';
/** Those of the edges that the detector fits. */
const FIT = ['line-1', 'line-3'] as const;
let network: DevNetwork;
let fleet: Fleet;

beforeAll(async () => {
  network = await DevNetwork.open();
  fleet = await startFleet(network);
}, 120_000);
afterAll(() => network.close());

const detectorManifest = (version: string, more: Record<string, unknown> = {}) => ({
  name: DETECTOR,
  version,
  type: 'anomaly_detector',
  capabilities: ['anomaly_detection'],
  node_requirements: { min_memory_mb: 256, min_cpu_cores: 1, architectures: ['amd64'] },
  ...more,
});

async function detectorFile(version: 'v1' | 'v2', seed: number): Promise<string> {
  return (await writeDetector(join(network.folder, 'made', `detector-${version}-${seed}.onnx`), { version, seed }))
    .path;
}

test('20.1 every node knows every other: its role, its place, what it is', async () => {
  const list = async () => (await fleet.desk.json<{ nodes: NodeRow[] }>('mesh', 'nodes')).nodes;
  const isTold = ({ name }: NodeRow) => name !== 'desk';
  const rows = await eventually(list, (nodes) => nodes.filter(isTold).length === 7);
  const roles = Object.fromEntries(rows.map(({ name, role }) => [name, role]));
  expect(roles).toMatchObject({ hq: 'admin', studio: 'publisher', gate: 'gateway', 'line-1': 'edge', desk: 'member' });
});

test('20.2 a model that is published for a role is loaded by every node of it that can, and the others say why not', async () => {
  const file = await detectorFile('v1', 1);
  await importModel(fleet.studio, network.folder, {
    file,
    manifest: detectorManifest('1.0.0', { deployment: { roles: ['edge'], regions: ['plant-a', 'plant-b'] } }),
  });
  const rows = await hears(fleet.gate, DETECTOR, { version: '1.0.0', status: 'Loaded', on: FIT });
  for (const row of rows.filter(({ status }) => status === 'Loaded')) expect(row.because).toBe('organic');
  const refusals = await hears(fleet.gate, DETECTOR, { version: '1.0.0', status: 'Failed', on: ['line-2', 'line-4'] });
  const why = Object.fromEntries(refusals.map((row) => [row.node_name, row.error]));
  expect(why['line-2']).toContain('aarch64');
  expect(why['line-4']).toContain('armv7');
  expect(why['line-4']).toContain('lab');
  expect(why['line-4']).toContain('128 MB of memory');
  expect(rows.map((row) => row.node_name)).not.toContain('desk');
});

test('20.3 an order for a role brings the next version', async () => {
  await importModel(fleet.hq, network.folder, {
    file: await detectorFile('v2', 2),
    manifest: detectorManifest('2.0.0'),
  });
  const { code, events } = await fleet.hq.events('model', 'push', DETECTOR, '--role', 'edge');
  expect(events.at(-1)).toMatchObject({ model_id: DETECTOR, version: '2.0.0', done: 2, failures: 2 });
  expect(code).not.toBe(0);
  const rows = await hears(fleet.desk, DETECTOR, { version: '2.0.0', status: 'Loaded', on: FIT });
  const loaded = rows.filter(({ status }) => status === 'Loaded');
  expect(loaded.map(({ because, previous_version }) => [because?.split(':')[0], previous_version])).toEqual([
    ['command', '1.0.0'],
    ['command', '1.0.0'],
  ]);
});

test('20.4 a rollout of a model that does not answer stops at the first node and everybody has the old one', async () => {
  const path = join(network.folder, 'made', 'broken.onnx');
  await writeBrokenModel(path, 'runFails');
  await importModel(fleet.studio, network.folder, { file: path, manifest: detectorManifest('3.0.0') });
  const rowsOf = async () => await listModels(fleet.hq, '--mesh');
  await eventually(rowsOf, (models) => models.some((row) => row.model_id === DETECTOR && row.version === '3.0.0'));
  // Who pins without a version means the one that he has.
  expect(await fleet['line-1'].json('model', 'pin', DETECTOR)).toMatchObject({ version: '2.0.0' });
  await fleet['line-1'].json('model', 'unpin', DETECTOR);
  const flags = ['--strategy', 'canary', '--waves', '1,100%', '--max-failures', '0%', '--soak', '1s', '--watch'];
  const { code, events } = await fleet.hq.events('model', 'deploy', `${DETECTOR}@3.0.0`, '--role', 'edge', ...flags);
  expect(code).not.toBe(0);
  expect(events.findLast((event) => 'phase' in event)).toMatchObject({ phase: 'rolled_back', given: 1 });
  const rows = await hears(fleet.gate, DETECTOR, { version: '2.0.0', status: 'Loaded', on: FIT });
  expect(rows.filter((row) => row.version === '3.0.0' && row.status !== 'Failed')).toEqual([]);
  await fleet.studio.json('model', 'deprecate', `${DETECTOR}@3.0.0`, '--reason', 'does not answer');
});

test('20.5 a node that was away has it when it is back', async () => {
  await fleet['line-3'].stop();
  await importModel(fleet.hq, network.folder, {
    file: await detectorFile('v2', 4),
    manifest: detectorManifest('4.0.0'),
  });
  await fleet.hq.events('model', 'push', `${DETECTOR}@4.0.0`, '--role', 'edge');
  await hears(fleet.gate, DETECTOR, { version: '4.0.0', status: 'Loaded', on: ['line-1'] });
  await fleet['line-3'].up();
  await hears(fleet.gate, DETECTOR, { version: '4.0.0', status: 'Loaded', on: FIT });
});

test('20.6 what a role may not read it does not get, from whomever it asks', async () => {
  await fleet.hq.json('access', 'set', SECRET, '--read', 'admin,publisher,gateway');
  await importModel(fleet.studio, network.folder, {
    file: await detectorFile('v1', 9),
    manifest: { ...detectorManifest('1.0.0'), name: SECRET },
  });
  await Promise.all([seesModel(fleet.gate, SECRET), seesModel(fleet['line-1'], SECRET)]);
  expect((await pull(fleet.gate, SECRET)).last.event).toBe('completed');
  const { code, last } = await pull(fleet['line-1'], SECRET);
  expect([code, last.event]).toEqual([6, 'failed']);
});

test('20.7 rules bring the newest version that nobody advised against, and say why', async () => {
  const file = join(network.folder, 'rules.yaml');
  await writeFile(
    file,
    [
      'rules:',
      '  - name: gateways-have-the-detector',
      '    trigger: node_join',
      '    conditions: { role: gateway }',
      '    models:',
      `      - { name: ${DETECTOR}, version: ">=2.0.0 <4.0.0" }`,
      '',
    ].join('\n'),
  );
  await fleet.hq.json('rules', 'check', file);
  await fleet.hq.json('rules', 'apply', file);
  await hears(fleet.gate, DETECTOR, { version: '2.0.0', status: 'Loaded', on: ['gate'] });
  const { stdout } = await fleet.hq.run('rules', 'explain', 'gate');
  expect(stdout).toContain('gateways-have-the-detector');
});

test('20.8 every node can say what happened, and that nobody changed the account', async () => {
  for (const node of [fleet.hq, fleet['line-1'], fleet.gate])
    expect(await node.json('audit', '--verify')).toMatchObject({ ok: true, problem: null });
  const { entries } = await fleet['line-1'].json<{ entries: { event: string; facts: Record<string, unknown> }[] }>(
    'audit',
  );
  const events = new Set(entries.map(({ event }) => event));
  for (const wanted of ['transfer', 'install', 'activate']) expect([...events]).toContain(wanted);
  expect((await deploymentsOf(fleet.desk, DETECTOR)).length).toBeGreaterThan(0);
});
