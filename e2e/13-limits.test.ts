/** Journey 13: limits, pauses and priorities of transfers between two daemons, changed while they run. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Limits, PullEvent, Transfer } from '../src/api/index.ts';
import { MB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { pull, seesModel, sha256Of, startMesh } from './journeys.ts';

const SMALL = 12 * MB;
const LARGE = 64 * MB;
let network: DevNetwork;
let workshop: DevNode;
let edge: DevNode;

beforeAll(async () => {
  network = await DevNetwork.open();
  [workshop, edge] = (await startMesh(network, ['workshop', 'edge'])) as [DevNode, DevNode];
  for (const [name, sizeBytes, seed] of [
    ['a', SMALL, 1],
    ['b', SMALL, 2],
    ['c', LARGE, 3],
    ['d', SMALL, 4],
    ['e', LARGE, 5],
  ] as const) {
    await writeGgufFile(fileOf(name), { sizeBytes, seed });
    await workshop.json('model', 'import', fileOf(name), '--name', `acme/${name}`);
  }
  for (const name of ['a', 'b', 'c', 'd', 'e']) await seesModel(edge, `acme/${name}`);
});
afterAll(() => network.close());

function fileOf(name: string): string {
  return join(network.folder, `${name}.gguf`);
}

function limit(node: DevNode, ...flags: readonly string[]): Promise<Limits> {
  return node.json<Limits>('transfers', 'limit', ...flags);
}

async function transferOf(node: DevNode, modelId: string): Promise<Transfer | undefined> {
  const { transfers } = await node.json<{ transfers: Transfer[] }>('transfers');
  return transfers.find(({ model_id }) => model_id === modelId);
}

/** The least time that so many bytes take at a rate, less what may pass at once and what is yet in buffers. */
function leastMs(bytes: number, mbps: number): number {
  const rate = (mbps * MB) / 8;
  return ((bytes - rate * 0.2) * 1000) / rate;
}

function startPull(node: DevNode, modelId: string, ...flags: readonly string[]): Promise<PullEvent> {
  return node.json<PullEvent>('model', 'pull', modelId, '--detach', ...flags);
}

test('13.1 a download keeps to the limit of its node: not faster, and not much slower', async () => {
  expect(await limit(edge, '--download', '20Mbps')).toMatchObject({ profile: 'custom', download: '20Mbps' });
  const { last } = await pull(edge, 'acme/a');
  expect(last.event).toBe('completed');
  expect(last.duration_ms).toBeGreaterThan(leastMs(SMALL, 20) * 0.9);
  expect(last.duration_ms).toBeLessThan(leastMs(SMALL, 20) * 2 + 3000);
});

test('13.2 an upload keeps to the limit of the sender, and its reader does not take it for stalled', async () => {
  await limit(edge, '--clear');
  await limit(workshop, '--upload', '20Mbps');
  const { last } = await pull(edge, 'acme/b');
  expect(last).toMatchObject({
    event: 'completed',
    peers: [expect.objectContaining({ name: 'workshop', failures: 0 })],
  });
  expect(last.duration_ms).toBeGreaterThan(leastMs(SMALL, 20) * 0.9);
  await limit(workshop, '--clear');
});

test('13.3 a limit holds for what runs already, from the moment it is said, and ends as quickly', async () => {
  await limit(edge, '--download', '1Mbps');
  const { request_id } = await startPull(edge, 'acme/c');
  await eventually(
    () => transferOf(edge, 'acme/c'),
    (transfer) => transfer?.state === 'Downloading',
  );
  expect(await edge.json<Transfer>('transfers', 'limit', 'acme/c', '--download', '8Mbps')).toMatchObject({
    limits: { download: '8Mbps' },
  });
  const slow = await transferOf(edge, 'acme/c');
  expect(slow?.bytes_downloaded).toBeLessThan(LARGE / 2);
  await edge.json('transfers', 'limit', 'acme/c', '--clear');
  await limit(edge, '--profile', 'lan');
  const end = await eventually(
    () => transferOf(edge, 'acme/c'),
    (transfer) => transfer?.state === 'Completed',
  );
  expect(end).toMatchObject({ request_id, bytes_downloaded: LARGE });
  expect(end?.limits).toBeUndefined();
});

test('13.4 a paused pull stays paused over kill -9, keeps what it has, and resumes to the right bytes', async () => {
  await limit(edge, '--download', '16Mbps');
  await startPull(edge, 'acme/d', '--priority', 'low');
  await eventually(
    () => transferOf(edge, 'acme/d'),
    (transfer) => (transfer?.bytes_downloaded ?? 0) >= 2 * MB,
  );
  const { transfers } = await edge.json<{ transfers: Transfer[] }>('transfers', 'pause', 'acme/d');
  const [paused] = transfers;
  expect(paused).toMatchObject({ state: 'Paused', priority: 'low', transfer_rate_mbps: 0 });
  await edge.kill();
  await edge.up();
  const after = await transferOf(edge, 'acme/d');
  expect(after).toMatchObject({ state: 'Paused', priority: 'low', bytes_downloaded: paused?.bytes_downloaded });
  expect(after?.peers).toEqual(paused?.peers);
  expect(await limit(edge)).toMatchObject({ download: '16Mbps' });
  await limit(edge, '--clear');
  await seesModel(edge, 'acme/d');
  await edge.json('transfers', 'resume', '--all');
  const end = await eventually(
    () => transferOf(edge, 'acme/d'),
    (transfer) => transfer?.state === 'Completed',
  );
  expect(await sha256Of(end?.path ?? '')).toBe(await sha256Of(fileOf('d')));
  const moved = (end?.peers ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
  expect(moved).toBe(SMALL);
});

test('13.5 a pull whose only holder went away waits for it, says so, and goes on when it is back', async () => {
  // What a holder has given to its kernel still comes when it is gone: some megabytes.
  await limit(edge, '--download', '32Mbps');
  await startPull(edge, 'acme/e');
  await eventually(
    () => transferOf(edge, 'acme/e'),
    (transfer) => (transfer?.bytes_downloaded ?? 0) > 0,
  );
  await workshop.kill();
  const waiting = await eventually(
    () => transferOf(edge, 'acme/e'),
    (transfer) => transfer?.waiting !== undefined,
    40_000,
  );
  expect(waiting?.waiting?.left_s).toBeLessThanOrEqual(600);
  await workshop.up();
  await limit(edge, '--clear');
  const end = await eventually(
    () => transferOf(edge, 'acme/e'),
    (transfer) => transfer?.state === 'Completed',
    40_000,
  );
  expect(end?.waiting).toBeUndefined();
  expect(await sha256Of(end?.path ?? '')).toBe(await sha256Of(fileOf('e')));
}, 100_000);

test('13.6 wrong rates, schedules and names are refused with what was wanted', async () => {
  const wrong = [
    [['--download', 'fast'], 2, '5Mbps, 500 kB/s, 2MiB/s or unlimited'],
    [['--download', '1kbps'], 2, 'pause the transfer instead'],
    [['--schedule', 'nights'], 2, '22:00-06:00 unlimited'],
    [['--peer', 'nobody', '--upload', '1Mbps'], 3, 'nobody'],
    [['acme/nothing', '--upload', '1Mbps'], 3, 'acme/nothing'],
  ] as const;
  for (const [flags, code, words] of wrong) {
    const result = await edge.run('transfers', 'limit', ...flags);
    expect([result.code, result.stderr]).toEqual([code, expect.stringContaining(words)]);
  }
  expect(await limit(edge)).toMatchObject({ profile: 'lan', download: 'unlimited', schedule: [] });
});
