/** Journey 21: rules say what machines should have; two admins disagree, an owner has rules of his own, a machine goes away. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExplainedNode, NodeRow } from '../src/api/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeDetector } from '../src/testkit/onnx-models.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { look } from './look.ts';

const DETECTOR = 'acme/detector';
let network: DevNetwork;
let ann: DevNode;
let bob: DevNode;
let line1: DevNode;
let line2: DevNode;

beforeAll(async () => {
  network = await DevNetwork.open();
  ann = network.node('ann');
  bob = network.node('bob');
  line1 = network.node('line-1', { flags: ['--region', 'plant-a', '--label', 'hall=7', '--max-model-size', '100MB'] });
  line2 = network.node('line-2', { flags: ['--region', 'plant-b', '--interest', 'anomaly_detection'] });
  await Promise.all(network.nodes.map((node) => node.up()));
  await ann.json('mesh', 'init', '--name', 'plant');
  const admin = await ann.json<{ code: string }>('mesh', 'invite', '--role', 'admin');
  const edge = await ann.json<{ code: string }>('mesh', 'invite', '--role', 'edge', '--uses', '2');
  await Promise.all([bob.json('join', admin.code), line1.json('join', edge.code), line2.json('join', edge.code)]);
  for (const [at, version] of [
    ['1.0.0', 'v1'],
    ['2.0.0', 'v2'],
  ] as const) {
    const path = join(network.folder, at, 'model.onnx');
    await writeDetector(path, { version });
    await ann.json('model', 'import', path, '--name', DETECTOR, '--version', at);
  }
}, 120_000);
afterAll(() => network.close());

async function rulesFile(name: string, version: string, more = ''): Promise<string> {
  const path = join(network.folder, `${name}.yaml`);
  await writeFile(path, rulesText(name, version, more));
  return path;
}

function rulesText(name: string, version: string, more = ''): string {
  const models = `    models: [{ name: ${DETECTOR}, version: "${version}" }]\n`;
  return `rules:\n  - name: ${name}\n    trigger: node_join\n    conditions: { role: edge }\n${models}${more}`;
}

/** `line-1 2.0.0 rule:all`, of what is loaded, as ann has heard. */
async function loaded(): Promise<string[]> {
  const rows = (await look(ann, 'deployments', { query: { id: DETECTOR } }))?.deployments ?? [];
  const shown = rows.filter(({ status, online }) => status === 'Loaded' && online);
  return shown.map(({ node_name, version, because }) => `${node_name} ${version} ${because}`).sort();
}

async function until(wanted: readonly string[]): Promise<void> {
  await eventually(loaded, (rows) => JSON.stringify(rows) === JSON.stringify(wanted), 40_000);
}

test('21.1 every node says what it is, and the others hear it', async () => {
  const nodes = await eventually(
    async () => (await bob.json<{ nodes: NodeRow[] }>('mesh', 'nodes')).nodes,
    (rows) => rows.length === 4 && rows.every(({ capabilities }) => capabilities !== null),
    40_000,
  );
  const line = nodes.find(({ name }) => name === 'line-1')?.capabilities;
  expect(line).toMatchObject({ region: 'plant-a', labels: { hall: '7' }, constraints: { max_model_size_mb: 96 } });
  expect(line?.hardware.memory_mb).toBeGreaterThan(64);
  const { stdout } = await bob.run('mesh', 'nodes', 'line-2');
  expect(stdout).toMatch(/interests +anomaly_detection/);
});

test('21.2 a file with mistakes is refused with every line, and changes nothing', async () => {
  const path = join(network.folder, 'bad.yaml');
  await writeFile(path, `${rulesText('bad', '>=1')}    prioritty: 1\n  - name: bad\n`);
  const { code, stderr } = await ann.run('rules', 'apply', path);
  expect(code).toBe(2);
  expect(stderr).toContain(`${path}:6:5: error: unknown key prioritty: is priority meant?`);
  expect(stderr).toContain(`${path}:7:5: error: trigger is missing`);
  const none = await ann.run('rules', 'check', await rulesFile('none', '>=9'));
  expect([none.code, none.stdout]).toEqual([
    0,
    expect.stringContaining('warning: no version of acme/detector is in >=9'),
  ]);
  const edge = await line1.run('rules', 'apply', await rulesFile('theirs', 'latest'));
  expect([edge.code, edge.stderr]).toEqual([6, expect.stringContaining('admins alone may')]);
  expect((await line1.json<{ sets: unknown[] }>('rules', 'show')).sets).toEqual([]);
});

test('21.3 two admins disagree: the later word counts everywhere, and the explanation names the other', async () => {
  await ann.json('rules', 'apply', await rulesFile('of-ann', '<2'));
  await until(['line-1 1.0.0 rule:of-ann', 'line-2 1.0.0 rule:of-ann']);
  await bob.json('rules', 'apply', await rulesFile('of-bob', 'latest'));
  await until(['line-1 2.0.0 rule:of-bob', 'line-2 2.0.0 rule:of-bob']);
  const { stdout } = await line1.run('rules', 'explain');
  expect(stdout).toContain('* rule of-bob of bob: 2.0.0');
  expect(stdout).toContain('rule default of ann: the whole set is replaced by the later one of bob');
});

test('21.4 the owner’s own file stands above the mesh’s, and goes as it came', async () => {
  const folder = join(line1.home, 'config');
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'deployment_rules.yaml');
  await writeFile(path, rulesText('mine', '1.0.0'));
  await until(['line-1 1.0.0 rule:mine', 'line-2 2.0.0 rule:of-bob']);
  const { models } = await line1.json<ExplainedNode>('rules', 'explain', '--model', DETECTOR);
  expect(models[0]?.standings.map(({ because, standing }) => [because.id, standing])).toEqual([
    ['mine', 'wins'],
    ['of-bob', 'loses'],
  ]);
  await rm(path);
  await until(['line-1 2.0.0 rule:of-bob', 'line-2 2.0.0 rule:of-bob']);
});

test('21.5 one replica of many: when its machine goes, another has it', async () => {
  await bob.events('model', 'undeploy', DETECTOR, '--role', 'edge');
  await until([]);
  const path = join(network.folder, 'spread', 'model.onnx');
  await writeDetector(path, { seed: 7 });
  await ann.json('model', 'import', path, '--name', 'acme/spread', '--version', '1.0.0');
  const text = rulesText('spread', 'latest', '    replicas: 1\n').replace(DETECTOR, 'acme/spread');
  const file = join(network.folder, 'spread.yaml');
  await writeFile(file, text);
  await bob.json('rules', 'apply', file);
  const holders = async () => {
    const rows = (await look(ann, 'deployments', { query: { id: 'acme/spread' } }))?.deployments ?? [];
    return rows.filter(({ status, online }) => status === 'Loaded' && online).map(({ node_name }) => node_name);
  };
  const [holder] = await eventually(holders, (names) => names.length === 1, 90_000);
  await (holder === 'line-1' ? line1 : line2).stop();
  const other = holder === 'line-1' ? 'line-2' : 'line-1';
  expect(await eventually(holders, (names) => names.includes(other), 90_000)).toEqual([other]);
}, 200_000);
