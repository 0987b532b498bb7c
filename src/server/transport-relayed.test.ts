import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { openTestEdge, readToEnd, selfSigned } from './http-edge.fixture.ts';
import type { TlsIdentity } from './ports.ts';

const server = await selfSigned('server');
const peer = await selfSigned('peer');

/** Both ends of a connection that the edge's side opened, on loopback as a relay on this machine would have it. */
async function openPair(): Promise<{ near: Socket; far: Socket }> {
  const listener = createServer({ allowHalfOpen: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const near = connectTcp({ port: (listener.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [[far]] = (await Promise.all([once(listener, 'connection'), once(near, 'connect')])) as [[Socket], unknown];
  listener.close();
  onTestFinished(() => void far.destroy());
  far.on('error', () => {});
  return { near, far };
}

async function askThrough(far: Socket, identity: TlsIdentity | undefined, port: number, path: string): Promise<string> {
  const socket = connectTls({ socket: far, ...identity, rejectUnauthorized: false });
  socket.on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
  return readToEnd(socket);
}

test('a member that comes through a relay on this machine is a peer, and never the owner', async () => {
  await using edge = await openTestEdge({ tls: server });
  const ask = async (path: string): Promise<string> => {
    const { near, far } = await openPair();
    edge.edge.acceptRelayed(near);
    return askThrough(far, peer, edge.port, path);
  };
  expect(await ask('/v1/models')).toContain('HTTP/1.1 200');
  expect(await ask('/api/v1/status')).toContain('owner_over_tls');
});

test('plain HTTP through a relay is not answered', async () => {
  await using edge = await openTestEdge({ tls: server });
  const { near, far } = await openPair();
  edge.edge.acceptRelayed(near);
  far.write(`GET /health HTTP/1.1\r\nHost: 127.0.0.1:${edge.port}\r\n\r\n`);
  expect(await readToEnd(far)).toBe('');
  expect(await edge.edge.metrics.metrics()).toContain('atmosphere_http_refused_total{reason="relayed_plain"} 1');
});

test('TLS without a certificate is not answered through a relay', async () => {
  await using edge = await openTestEdge({ tls: server });
  const { near, far } = await openPair();
  edge.edge.acceptRelayed(near);
  expect(await askThrough(far, undefined, edge.port, '/health')).toBe('');
});

test('connections through a relay count as others’, not as this machine’s', async () => {
  await using edge = await openTestEdge({ tls: server, limits: { connectionsPerAddress: 1 } });
  const [first, second] = [await openPair(), await openPair()];
  edge.edge.acceptRelayed(first.near);
  edge.edge.acceptRelayed(second.near);
  expect(await readToEnd(second.far)).toBe('');
  expect(first.near.destroyed).toBe(false);
});

test('an edge that was closed takes none', async () => {
  const edge = await openTestEdge({ tls: server });
  await edge[Symbol.asyncDispose]();
  const { near, far } = await openPair();
  edge.edge.acceptRelayed(near);
  expect(await readToEnd(far)).toBe('');
});
