/** Journey 9: whoever can reach the ports of a node and means it no good, or just went away. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { MB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode, processUsage } from '../src/testkit/processes.ts';
import { makeTlsIdentity, openIdentity } from '../src/trust/index.ts';
import { curl, lanAddress, rawRequest } from './http.ts';
import { pull, seesModel, sha256Of, startMesh } from './journeys.ts';

const LARGE = 128 * MB;
let network: DevNetwork;
let node: DevNode;
let edge: DevNode;
let file: string;
let http: number;
let idleFiles: number;

beforeAll(async () => {
  network = await DevNetwork.open();
  [node, edge] = (await startMesh(network, ['node', 'edge'])) as [DevNode, DevNode];
  file = join(network.folder, 'large.gguf');
  await writeGgufFile(file, { sizeBytes: LARGE, seed: 9 });
  await node.json('model', 'import', file, '--name', 'acme/large');
  await seesModel(edge, 'acme/large');
  http = Number(new URL(node.ready.http).port);
});
beforeEach(async () => {
  idleFiles = (await openFiles()).length;
});
afterAll(() => network.close());

/** What the daemon has open: files, sockets and all. */
const openFiles = () => readdir(`/proc/${node.pid}/fd`);
const settlesTo = (count: number) =>
  eventually(
    async () => (await openFiles()).length,
    (open) => open <= count,
  );

function meshPort(): number {
  const address = node.ready.mesh.find((one) => one.includes('/ip4/') && !one.includes('/ws')) ?? '';
  return Number(/\/tcp\/(\d+)/.exec(address)?.[1]);
}

async function open(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ host, port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

test('9.1 garbage on every port ends its own connection and nothing else', async () => {
  const ports = [http, meshPort(), Number(new URL(node.ready.agent).port)];
  const garbage = [
    randomBytes(4096),
    Buffer.alloc(1_000_000, 0xff),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff, ...randomBytes(64)]),
    Buffer.from('\x13/multistream/1.0.0\n\xff\xff\xff\xff\xff', 'latin1'),
  ];
  for (const port of ports) {
    for (const bytes of garbage) {
      const socket = await open(port);
      socket.resume();
      // Sent, or refused before it was: either way the daemon has had its say.
      await new Promise<void>((resolve) => {
        socket.once('close', () => resolve());
        socket.end(bytes, () => resolve());
      });
      socket.destroy();
    }
  }
  expect((await curl(`${node.ready.http}/health`)).status).toBe(200);
  expect((await node.run('status')).code).toBe(0);
  await settlesTo(idleFiles + 2);
});

test('9.2 readers that go away in the middle leave nothing open', async () => {
  for (let round = 0; round < 40; round += 1) {
    const call = get(`${node.ready.http}/v1/models/download/acme/large`);
    call.on('error', () => {});
    const [response] = await once(call, 'response');
    await once(response, 'data');
    call.destroy();
  }
  await settlesTo(idleFiles + 2);
  const metrics = async () => (await curl(`${node.ready.http}/metrics`)).body.toString();
  await eventually(metrics, (text) => /atmosphere_http_blob_streams(\{[^}]*\})? 0/.test(text));
});

test('9.3 readers that do not read hold no memory but their buffers', async () => {
  const before = await processUsage(node.pid);
  const sockets = await Promise.all(Array.from({ length: 50 }, () => open(http)));
  for (const socket of sockets) {
    socket.pause();
    socket.write(`GET /v1/models/download/acme/large HTTP/1.1\r\nHost: 127.0.0.1:${http}\r\n\r\n`);
  }
  const { status } = await curl(`${node.ready.http}/v1/models`);
  expect(status).toBe(200);
  const during = await processUsage(node.pid);
  // Two chunks of 1 MiB a stream, and what the system and the runtime add.
  expect(during.rssBytes - before.rssBytes).toBeLessThan(250 * MB);
  for (const socket of sockets) socket.destroy();
  await settlesTo(idleFiles + 2);
});

test('9.4 a flood of connections from another address does not lock the owner out', async () => {
  const host = lanAddress();
  const sockets = await Promise.allSettled(Array.from({ length: 300 }, () => open(http, host)));
  expect((await node.run('status')).code).toBe(0);
  const kept = sockets.flatMap((one) => (one.status === 'fulfilled' && !one.value.destroyed ? [one.value] : []));
  for (const socket of kept) socket.destroy();
  await settlesTo(idleFiles + 2);
});

test('9.5 a stranger that asks too often is told when to come back; the owner is not', async () => {
  const url = `http://${lanAddress()}:${http}/v1/models/acme/large`;
  const headers = { connection: 'close' };
  const answers: Response[] = [];
  while (answers.length < 120)
    answers.push(...(await Promise.all(Array.from({ length: 20 }, () => fetch(url, { headers })))));
  const refused = answers.find((answer) => answer.status === 429);
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([404, 429]));
  expect((await curl(`${node.ready.http}/v1/models`)).status).toBe(200);
});

test('9.6 a certificate that is of no member, or none, gets no model', async () => {
  // Of a node that is the authority of a mesh of its own, which has the same name.
  const nowMs = Date.now();
  const stranger = openIdentity(join(network.folder, 'stranger'), { nodeName: 'node', nowMs });
  const { key, cert } = await makeTlsIdentity(stranger, nowMs);
  for (const options of [{}, { key, cert }]) {
    const socket = connectTls({ host: '127.0.0.1', port: http, rejectUnauthorized: false, ...options });
    socket.on('error', () => {});
    socket.write(`GET /v1/models/download/acme/large HTTP/1.1\r\nHost: 127.0.0.1:${http}\r\nConnection: close\r\n\r\n`);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    await once(socket, 'close');
    expect(text).not.toContain('HTTP/1.1 200');
    expect(text.length).toBeLessThan(10_000);
  }
});

test('9.7 a header that never ends is cut', async () => {
  const answer = await rawRequest(http, `GET /health HTTP/1.1\r\nHost: 127.0.0.1:${http}\r\nX-Slow: `);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
});

test('9.8 after all of it the node still serves its peers, and its log holds no crash', async () => {
  const { code, last } = await pull(edge, 'acme/large');
  expect([code, last.event]).toEqual([0, 'completed']);
  expect(await sha256Of(last.path ?? '')).toBe(await sha256Of(file));
  expect(node.log).not.toMatch(/uncaught|unhandled|TypeError|ERR_INTERNAL/i);
  const token = (await readFile(join(node.home, 'run', 'token'), 'utf8')).trim();
  expect(node.log).not.toContain(token);
});
