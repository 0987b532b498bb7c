/** Journey 23: the next version of a model that is here comes as what differs, by real daemons over TLS; one of them is killed in the middle. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PullEvent } from '../src/api/index.ts';
import { MB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { pull, sha256Of, startMesh } from './journeys.ts';
import { look } from './look.ts';

const MODEL = 'acme/detector';
const SIZE = 24 * MB;
let network: DevNetwork;
let hub: DevNode;
let edge: DevNode;

/** Another version of the file: in the last `share` of it, every tenth byte is another. */
async function nextVersion(from: string, to: string, share: number): Promise<string> {
  const bytes = await readFile(from);
  for (let at = Math.ceil(bytes.length * (1 - share)); at < bytes.length; at += 10)
    bytes[at] = ((bytes[at] ?? 0) * 7 + at) & 0xff;
  await writeFile(to, bytes);
  return to;
}

function fileOf(version: string): string {
  return join(network.folder, `detector-${version}.gguf`);
}

async function give(node: DevNode, version: string): Promise<void> {
  await node.json('model', 'import', fileOf(version), '--name', MODEL, '--version', version);
}

/** Waits until the edge has heard of the version. */
async function hears(version: string): Promise<void> {
  const find = async () => (await look(edge, 'modelList', { query: { scope: 'mesh' } }))?.models ?? [];
  await eventually(find, (rows) => rows.some((row) => row.model_id === MODEL && row.version === version));
}

function moved({ peers = [] }: PullEvent): number {
  return peers.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function metric(node: DevNode, name: string): Promise<number> {
  const text = await (await fetch(`${node.ready.http}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
}

beforeAll(async () => {
  network = await DevNetwork.open();
  [hub, edge] = (await startMesh(network, ['hub', 'edge'], { flags: ['--no-loopback-http'] })) as [DevNode, DevNode];
  await writeGgufFile(fileOf('1.0'), { sizeBytes: SIZE, seed: 23 });
  await nextVersion(fileOf('1.0'), fileOf('2.0'), 0.1);
  await nextVersion(fileOf('2.0'), fileOf('3.0'), 0.95);
  await Promise.all([hub, edge].map((node) => give(node, '1.0')));
  await give(hub, '2.0');
  await hears('2.0');
}, 60_000);
afterAll(() => network.close());

test('23.1 a node that may have 16 Mbit/s gets what differs by itself, and says what that saved', async () => {
  await edge.json('transfers', 'limit', '--download', '16Mbps');
  const { code, stdout } = await edge.run('model', 'pull', `${MODEL}@2.0`);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/difference: .*B instead of 24\.0 MB/)]);
  const [latest] = (await look(edge, 'transfers'))?.transfers ?? [];
  expect(latest).toMatchObject({ state: 'Completed', difference: { state: 'applied', instead_of_bytes: SIZE } });
  expect(latest?.difference?.total_bytes).toBeLessThan(SIZE * 0.15);
  expect(await sha256Of(latest?.path ?? '')).toBe(await sha256Of(fileOf('2.0')));
  expect(await metric(edge, 'atmosphere_differences_applied_total')).toBe(1);
  expect(await metric(edge, 'atmosphere_differences_fetched_bytes_total')).toBe(latest?.difference?.total_bytes);
  expect(await metric(hub, 'atmosphere_differences_made_total')).toBe(1);
});

test('23.2 killed while the difference comes, it goes on from there after the next start', async () => {
  await give(hub, '3.0');
  await hears('3.0');
  const child = edge.spawn('model', 'pull', `${MODEL}@3.0`, '--difference', '--json');
  if (child.stdout === null) throw new Error('no stdout');
  for await (const line of createInterface({ input: child.stdout })) {
    const { difference } = JSON.parse(line) as PullEvent;
    if (difference?.state === 'fetching' && difference.bytes >= 2 * MB) break;
  }
  const gone = once(child, 'exit');
  await edge.kill();
  await gone;
  await edge.up();
  await edge.json('transfers', 'limit', '--clear');
  const ends = async () => (await look(edge, 'transfers'))?.transfers.find(({ version }) => version === '3.0');
  const end = await eventually(ends, (transfer) => transfer?.state === 'Completed');
  expect(end?.difference).toMatchObject({ state: 'applied', instead_of_bytes: SIZE });
  expect(await sha256Of(end?.path ?? '')).toBe(await sha256Of(fileOf('3.0')));
  expect(await metric(edge, 'atmosphere_differences_fetched_bytes_total')).toBeLessThan(
    (end?.difference?.total_bytes ?? 0) - MB,
  );
});

test('23.3 a holder that gives no difference any more gives the file', async () => {
  await edge.json('model', 'remove', `${MODEL}@3.0`);
  const { last } = await pull(edge, `${MODEL}@3.0`, '--no-difference');
  expect(last).toMatchObject({ event: 'completed' });
  expect([last.difference, moved(last)]).toEqual([undefined, SIZE]);
});
