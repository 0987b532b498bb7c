/** Journey 18: a new version goes to a fleet in waves; a bad one stops at the first; a coordinator dies in the middle. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeploymentRow, RolloutRow } from '../src/api/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeBrokenModel, writeDetector } from '../src/testkit/onnx-models.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { look } from './look.ts';

const MODEL = 'acme/detector';
const EDGES = ['edge-1', 'edge-2', 'edge-3'] as const;
const IN_WAVES = ['--role', 'edge', '--strategy', 'canary', '--waves', '1,50%,100%', '--max-failures', '0%'];
const PATIENCE_MS = 50_000;

let network: DevNetwork;
let hq: DevNode;
let deputy: DevNode;

beforeAll(async () => {
  network = await DevNetwork.open();
  hq = network.node('hq');
  deputy = network.node('deputy');
  const edges = EDGES.map((name) => network.node(name));
  await Promise.all([hq, deputy, ...edges].map((node) => node.up()));
  await hq.json('mesh', 'init', '--name', 'rollout');
  await joinAs([deputy], 'publisher');
  await joinAs(edges, 'edge');
});
afterAll(() => network?.close());

async function joinAs(nodes: readonly DevNode[], role: string): Promise<void> {
  const uses = String(nodes.length);
  const { code } = await hq.json<{ code: string }>('mesh', 'invite', '--role', role, '--uses', uses);
  await Promise.all(nodes.map((node) => node.json('join', code)));
}

/** Both publishers have it, so that it can be fetched when one of them is gone. */
async function publish(version: string, write: (path: string) => Promise<unknown>, at = [deputy, hq]): Promise<void> {
  const folder = join(network.folder, 'models', version);
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'detector.onnx');
  await write(path);
  for (const node of at)
    await node.json('model', 'import', path, '--name', MODEL, '--version', version, '--type', 'vision');
}

/** Who says that it is on which version, and how. */
async function fleet(asked: DevNode): Promise<DeploymentRow[]> {
  const { deployments } = (await look(asked, 'deployments', { query: { id: MODEL } })) ?? { deployments: [] };
  return deployments.filter(({ node_name }) => EDGES.some((name) => name === node_name));
}

function allHave(asked: DevNode, version: string): Promise<DeploymentRow[]> {
  const isSo = (rows: readonly DeploymentRow[]) =>
    EDGES.every((name) =>
      rows.some((row) => row.node_name === name && row.version === version && row.status === 'Loaded'),
    );
  return eventually(() => fleet(asked), isSo, PATIENCE_MS);
}

async function rolloutIs(asked: DevNode, id: string, isSo: (row: RolloutRow) => boolean): Promise<RolloutRow> {
  const isThere = (row: RolloutRow | undefined) => row !== undefined && isSo(row);
  const row = await eventually(() => look(asked, 'rollout', { query: { id } }), isThere, PATIENCE_MS);
  if (row === undefined) throw new Error('no rollout');
  return row;
}

const sizes = (row: RolloutRow | undefined) => row?.waves.map(({ nodes }) => nodes);

test('18.1 a canary passes, and the waves after it: everybody has the new version', async () => {
  await publish('1.0.0', (path) => writeDetector(path, { version: 'v1' }));
  const first = await hq.events<object>('model', 'deploy', `${MODEL}@1.0.0`, '--role', 'edge');
  expect([first.code, first.stderr]).toEqual([0, expect.anything()]);
  await allHave(hq, '1.0.0');
  await publish('2.0.0', (path) => writeDetector(path, { version: 'v2' }));
  const { code, events } = await hq.events<RolloutRow>(
    ...['model', 'deploy', `${MODEL}@2.0.0`, ...IN_WAVES, '--soak', '1s', '--node-timeout', '40s', '--watch'],
  );
  const last = events.at(-1);
  expect([code, last?.phase, sizes(last), last?.previous_version]).toEqual([0, 'done', [1, 1, 1], '1.0.0']);
  for (const row of events) {
    const began = row.waves.findLastIndex(({ state }) => state !== 'to come');
    expect(row.waves.slice(0, Math.max(0, began)).every(({ nodes, well }) => nodes === well)).toBe(true);
  }
  await allHave(hq, '2.0.0');
});

test('18.2 a version that cannot run stops at its canary, and everybody is on the old one', async () => {
  await publish('3.0.0', (path) => writeBrokenModel(path, 'loadFails'));
  const { code, events, stderr } = await hq.events<RolloutRow>(
    ...['model', 'deploy', `${MODEL}@3.0.0`, ...IN_WAVES, '--soak', '1s', '--node-timeout', '40s', '--watch'],
  );
  const row = events.findLast(({ rollout_id }) => rollout_id !== undefined);
  expect([code, row?.phase, sizes(row), row?.failures]).toEqual([6, 'rolled_back', [1, 0, 0], 1]);
  expect(stderr).toContain('1 of 1 nodes failed');
  await allHave(hq, '2.0.0');
  expect(row?.nodes).toEqual([expect.objectContaining({ wave: 1, state: 'back', failed: true })]);
  const shown = await hq.json<RolloutRow>('rollout', 'show', row?.rollout_id.slice(0, 8) ?? '');
  expect([shown.phase, shown.failures]).toEqual(['rolled_back', 1]);
  const again = await hq.run('rollout', 'resume', row?.rollout_id.slice(0, 8) ?? '');
  expect([again.code, again.stderr]).toEqual([6, expect.stringContaining('rolled_back')]);
});

test('18.3 a coordinator that is killed in the middle is followed by another, which does no wave twice', async () => {
  await publish('4.0.0', (path) => writeDetector(path, { version: 'v2', seed: 4 }));
  const { rollout_id: id } = await hq.json<RolloutRow>(
    ...['model', 'deploy', `${MODEL}@4.0.0`, ...IN_WAVES, '--soak', '3s', '--node-timeout', '12s'],
  );
  const before = await rolloutIs(deputy, id, ({ waves }) => waves[0]?.state === 'soaking');
  expect([before.coordinator_name, before.term]).toEqual(['hq', 1]);
  await hq.kill();
  const after = await rolloutIs(deputy, id, ({ over }) => over);
  expect([after.phase, after.coordinator_name, after.term, sizes(after)]).toEqual(['done', 'deputy', 2, [1, 1, 1]]);
  expect(after.nodes[0]?.node_id).toBe(before.nodes[0]?.node_id);
  await allHave(deputy, '4.0.0');
});

test('18.4 one that is aborted in its soak takes back whom it reached', async () => {
  await publish('5.0.0', (path) => writeDetector(path, { version: 'v2', seed: 5 }), [deputy]);
  const { rollout_id: id } = await deputy.json<RolloutRow>(
    ...['model', 'deploy', `${MODEL}@5.0.0`, ...IN_WAVES, '--soak', '1h', '--node-timeout', '40s'],
  );
  await rolloutIs(deputy, id, ({ waves }) => waves[0]?.state === 'soaking');
  const paused = await deputy.json<RolloutRow>('rollout', 'pause', id.slice(0, 8));
  expect([paused.phase, paused.why, paused.term]).toEqual(['paused', 'pause by deputy', 2]);
  await deputy.json('rollout', 'abort', id.slice(0, 8));
  const after = await rolloutIs(deputy, id, ({ over }) => over);
  expect([after.phase, sizes(after), after.nodes[0]?.state]).toEqual(['rolled_back', [1, 0, 0], 'back']);
  await allHave(deputy, '4.0.0');
});

test('18.5 what is asked wrongly is refused with what would be right', async () => {
  const cases: [string[], number, string][] = [
    [['model', 'deploy', `${MODEL}@4.0.0`, '--role', 'edge', '--waves', '50%,10%'], 2, '1,10%,50%,100%'],
    [['model', 'deploy', `${MODEL}@9.9.9`, ...IN_WAVES], 3, 'known: '],
    [['model', 'deploy', 'acme/detecter', ...IN_WAVES], 3, MODEL],
    [['model', 'deploy', MODEL, '--role', 'egde', '--strategy', 'canary'], 3, 'edge'],
    [['rollout', 'show', 'ffffffff'], 3, 'rollout list'],
  ];
  for (const [args, code, text] of cases) {
    const result = await deputy.run(...args);
    expect([args, result.code, result.stderr]).toEqual([args, code, expect.stringContaining(text)]);
  }
  const edge = network.node('edge-1');
  const refused = await edge.run('model', 'deploy', `${MODEL}@4.0.0`, ...IN_WAVES);
  expect([refused.code, refused.stderr]).toEqual([6, expect.stringContaining('may not deploy')]);
});
