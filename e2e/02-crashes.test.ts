/** Journey 2: kill -9 at bad moments, two daemons on one home, and ports that are taken. */

import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { killHalfWay } from '../demo/trouble.ts';
import { MB } from '../src/core/index.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { listModels, pull, seesModel, sha256Of, startMesh } from './journeys.ts';

const MODEL_BYTES = 320 * MB;
let network: DevNetwork;
let workshop: DevNode;
let edge: DevNode;
let gguf: string;

beforeAll(async () => {
  network = await DevNetwork.open();
  [workshop, edge] = (await startMesh(network, ['workshop', 'edge'])) as [DevNode, DevNode];
  gguf = join(network.folder, 'model.gguf');
  await writeGgufFile(gguf, { sizeBytes: MODEL_BYTES, seed: 7 });
  await workshop.json('model', 'import', gguf, '--name', 'acme/large');
});
afterAll(() => network.close());

test('2.1 a pull killed half-way goes on from there and ends with the right bytes', async () => {
  await killHalfWay(edge, 'acme/large');
  await edge.up();
  expect((await listModels(edge)).map((row) => row.model_id)).not.toContain('acme/large');
  await seesModel(edge, 'acme/large');
  const { code, last } = await pull(edge, 'acme/large');
  expect([code, last.event]).toEqual([0, 'completed']);
  const moved = (last.peers ?? []).reduce((sum, peer) => sum + peer.bytes, 0);
  expect(moved).toBeLessThan(MODEL_BYTES * 0.8);
  expect(await sha256Of(last.path ?? '')).toBe(await sha256Of(gguf));
  expect(await readdir(join(edge.home, 'parts'))).toEqual([]);
});

test('2.2 a seeder killed and started again serves without reading its files again', async () => {
  await workshop.kill();
  await workshop.up();
  const [row] = await listModels(workshop);
  expect(row).toMatchObject({ model_id: 'acme/large', state: 'ready' });
});

test('2.3 a second daemon on the same home is refused and names the first', async () => {
  const second = await edge.run('up', '--port', '0', '--mesh-port', '0', '--agent-port', '0', '--no-mdns');
  expect(second.code).toBe(6);
  expect(second.stderr).toContain(String(edge.pid));
});

test('2.4 a port that is taken is named, with the flag to choose another', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = String((server.address() as { port: number }).port);
  const third = network.node('third');
  const result = await third.run(
    'up',
    '--host',
    '127.0.0.1',
    '--port',
    port,
    '--mesh-port',
    '0',
    '--agent-port',
    '0',
    '--no-mdns',
  );
  server.close();
  expect(result.code).toBe(6);
  expect(result.stderr).toContain(port);
  expect(result.stderr).toContain('--port');
});

test('2.5 a database of a newer program is refused and left as it was', async () => {
  const fourth = network.node('fourth');
  await fourth.up();
  await fourth.stop();
  const file = join(fourth.home, 'db', 'atmosphere.sqlite');
  const database = new DatabaseSync(file);
  database.exec('PRAGMA user_version = 9999');
  database.close();
  const result = await fourth.run('up', '--port', '0', '--mesh-port', '0', '--agent-port', '0', '--no-mdns');
  expect(result.code).toBe(7);
  expect(result.stderr).toMatch(/version is 9999/);
  const again = new DatabaseSync(file, { readOnly: true });
  expect(again.prepare('PRAGMA user_version').get()).toEqual({ user_version: 9999 });
  again.close();
});

test('2.6 a polite stop ends with 0 and leaves no daemon file', async () => {
  expect(await workshop.stop()).toBe(0);
  expect(await readdir(join(workshop.home, 'run'))).not.toContain('daemon.json');
  const { code, stderr } = await workshop.run('status');
  expect(code).toBe(5);
  expect(stderr).toContain('atmosphere up');
});

test('2.7 a mesh port that is taken is named too', async () => {
  const server = createServer().listen(0, '0.0.0.0');
  await once(server, 'listening');
  const port = String((server.address() as { port: number }).port);
  const fifth = network.node('fifth');
  const result = await fifth.run('up', '--port', '0', '--mesh-port', port, '--agent-port', '0', '--no-mdns');
  server.close();
  expect(result.code).toBe(6);
  expect(result.stderr).toContain('--mesh-port');
  expect(result.stderr.split('\n').length).toBeLessThan(6);
});
