/** Journey 4: peers whose disks rot, files that change while they are served, nodes that were away. */
import { appendFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rotBlob } from '../demo/trouble.ts';
import type { DoctorReport, NodeRow } from '../src/api/index.ts';
import { MB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { listModels, pull, seesModel, sha256Of, startMesh } from './journeys.ts';

let network: DevNetwork;
let workshop: DevNode;
let gateway: DevNode;
let edge: DevNode;
let gguf: string;

beforeAll(async () => {
  network = await DevNetwork.open();
  [workshop, gateway, edge] = (await startMesh(network, ['workshop', 'gateway', 'edge'])) as [
    DevNode,
    DevNode,
    DevNode,
  ];
  gguf = join(network.folder, 'model.gguf');
  await writeGgufFile(gguf, { sizeBytes: 64 * MB, seed: 11 });
  await workshop.json('model', 'import', gguf, '--name', 'acme/model');
  await seesModel(gateway, 'acme/model');
  const { last } = await pull(gateway, 'acme/model');
  await rotBlob(gateway, last.sha256);
});
afterAll(() => network.close());

test('4.1 one of two peers sends wrong bytes: it is dropped, and the file is right', async () => {
  await seesModel(edge, 'acme/model', 2);
  // So slow that it cannot have sent everything before the other one is asked at all.
  await workshop.json('transfers', 'limit', '--upload', '100Mbps');
  const { code, last } = await pull(edge, 'acme/model');
  await workshop.json('transfers', 'limit', '--clear');
  expect([code, last.event]).toEqual([0, 'completed']);
  expect(last.peers?.find((peer) => peer.name === 'gateway')?.dropped).toMatch(/piece/);
  expect(await sha256Of(last.path ?? '')).toBe(await sha256Of(gguf));
  const standingOn = async (node: DevNode) =>
    (await node.json<{ nodes: NodeRow[] }>('mesh', 'nodes')).nodes.find(({ name }) => name === 'gateway')?.standing;
  expect((await standingOn(edge))?.word).toBe('banned');
  expect((await edge.json<DoctorReport>('doctor')).checks).toContainEqual(
    expect.objectContaining({ name: 'peer gateway', state: 'warn', detail: expect.stringContaining('wrong bytes') }),
  );
  // The workshop never fetched anything from the gateway: it has the edge's word.
  const heard = await eventually(
    () => standingOn(workshop),
    (standing) => standing?.reporters === 1,
  );
  expect(heard).toMatchObject({ reason: expect.stringContaining('wrong bytes') });
  expect(heard?.chance).toBeLessThan(0.5);
});

test('4.2 the only peer asked sends wrong bytes: exit 4, and nothing is visible', async () => {
  await edge.json('model', 'remove', 'acme/model');
  const { code, last } = await pull(edge, 'acme/model', '--from', 'gateway');
  expect([code, last.event]).toEqual([4, 'failed']);
  expect(last.error).toContain('gateway');
  expect((await listModels(edge)).map((row) => row.model_id)).not.toContain('acme/model');
  expect(
    (await readdir(edge.home, { recursive: true })).filter((name) => name.includes('tiny') || name.endsWith('.gguf')),
  ).toEqual([]);
});

test('4.3 a file that changed is no longer served, nor listed as it was', async () => {
  const before = await sha256Of(gguf);
  await appendFile(gguf, 'more');
  const { code } = await pull(edge, 'acme/model', '--from', 'workshop');
  expect(code).not.toBe(0);
  const rows = await listModels(workshop);
  expect(rows.filter((row) => row.sha256 === before && row.state === 'ready')).toEqual([]);
});

test('4.4 a node that was away hears of everything when it returns', async () => {
  await edge.stop();
  const edgeState = async () =>
    (await workshop.json<{ nodes: NodeRow[] }>('mesh', 'nodes')).nodes.find((node) => node.name === 'edge')?.state;
  await eventually(edgeState, (state) => state === 'offline', 5000);
  for (const index of [1, 2, 3]) {
    const file = join(network.folder, `late-${index}.gguf`);
    await writeGgufFile(file, { sizeBytes: 2 * MB, seed: 100 + index });
    await workshop.json('model', 'import', file, '--name', `acme/late-${index}`);
  }
  await edge.up();
  for (const index of [1, 2, 3]) await seesModel(edge, `acme/late-${index}`);
});
