/** Journey 14: two machines that reach nothing but the HTTP port of a third, and a model that gets across over WebSockets. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MB } from '../src/core/index.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { type Islands, MIDDLE, openIslands } from './islands.ts';
import { joinUp, pull, seesModel, sha256Of } from './journeys.ts';

const HTTP_PORT = '14399';

let islands: Islands;
let network: DevNetwork;
let relay: DevNode;
let factory: DevNode;
let office: DevNode;

beforeAll(async () => {
  islands = openIslands('relay', ['factory', 'office']);
  network = await DevNetwork.open();
  const flags = ['--port', HTTP_PORT, '--mesh-port', '4400', '--relay-port', '0'];
  relay = network.node('relay', { within: islands.within('relay'), flags });
  factory = island('factory');
  office = island('office');
  await joinUp([relay, factory, office]);
});
afterAll(async () => {
  await network?.close();
  islands?.close();
});

function island(name: string): DevNode {
  return network.node(name, { within: islands.within(name), flags: ['--ws-relay', `${MIDDLE}:${HTTP_PORT}`] });
}

/** A word of the relay's metrics, which only its own machine and members may read. */
async function relayedBytes(): Promise<number> {
  const [command = '', ...args] = [...islands.within('relay'), 'curl', '-s', `${relay.ready.http}/metrics`];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return Number(/^atmosphere_relay_bytes_total (\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

async function shareModel(id: string, megabytes: number, seed: number): Promise<string> {
  const path = join(network.folder, `${id}.Q8_0.gguf`);
  await writeGgufFile(path, { sizeBytes: megabytes * MB, seed });
  await factory.json('model', 'import', path, '--name', `acme/${id}`);
  await seesModel(office, `acme/${id}`);
  return path;
}

test('14.1 a model gets across, every byte verified, and the relay has carried it', async () => {
  const path = await shareModel('first', 24, 1);
  const { code, last } = await pull(office, 'acme/first');
  expect([code, last.event, last.error]).toEqual([0, 'completed', undefined]);
  expect(await sha256Of(last.path ?? '')).toBe(await sha256Of(path));
  expect(await relayedBytes()).toBeGreaterThan(24 * MB);
});

test('14.2 a relay that is killed and comes back is linked again by itself', async () => {
  const path = await shareModel('second', 24, 2);
  await relay.kill();
  await relay.up();
  const { code, last } = await pull(office, 'acme/second');
  expect([code, last.error]).toEqual([0, undefined]);
  expect(await sha256Of(last.path ?? '')).toBe(await sha256Of(path));
});

test('14.3 a client with nothing but the public messages gets a model from a node, on its own machine', async () => {
  const script = `
    import { WebSocket } from 'ws';
    import { createHash } from 'node:crypto';
    const socket = new WebSocket(process.argv[1].replace('http', 'ws') + '/mesh');
    const about = { request_id: 'plain-1', model_id: 'acme/first' };
    socket.on('open', () => socket.send(JSON.stringify({ ...about, type: 'model_request', requester_node_id: 'me',
      target_node_id: process.argv[2], resume_from_byte: 0, transport: 'websocket' })));
    const hash = createHash('sha256');
    let start, next = 0;
    socket.on('message', (data) => {
      const message = JSON.parse(data);
      if (message.type === 'model_transfer_start') start = message;
      if (message.type !== 'model_transfer_chunk' || message.chunk_index !== next) return;
      hash.update(Buffer.from(message.chunk_bytes, 'base64'));
      next += 1;
      socket.send(JSON.stringify({ ...about, type: 'model_transfer_chunk_ack', chunk_index: next - 1, status: 'received' }));
      if (next < start.total_chunks) return;
      console.log(JSON.stringify({ wanted: start.sha256, got: hash.digest('hex') }));
      socket.close();
    });`;
  const args = ['--input-type=module', '-e', script, factory.ready.http, factory.ready.node_id];
  const [command = '', ...rest] = [...islands.within('factory'), process.execPath, ...args];
  const child = spawn(command, rest, { cwd: join(import.meta.dirname, '..'), stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout as Readable) text += chunk;
  if (child.exitCode === null) await once(child, 'close');
  const { wanted, got } = JSON.parse(text) as { wanted: string; got: string };
  expect(got).toBe(wanted);
  expect(wanted).toBe(await sha256Of(join(network.folder, 'first.Q8_0.gguf')));
});
