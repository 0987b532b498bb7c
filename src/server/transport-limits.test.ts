import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { MiB } from '../core/index.ts';
import {
  ask,
  askJson,
  LOCAL_TOKEN,
  openTcp,
  openTestEdge,
  openTls,
  readToEnd,
  selfSigned,
} from './http-edge.fixture.ts';
import type { ServedFile } from './ports.ts';

const server = await selfSigned('server');
const peer = await selfSigned('peer');
const health = (port: number): string => `GET /health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;

describe('limits', () => {
  it('closes a connection that says nothing', async () => {
    await using test = await openTestEdge({ limits: { firstByteMs: 20 } });
    expect(await readToEnd(await openTcp(test.port))).toBe('');
    expect(await test.edge.metrics.metrics()).toContain('reason="first_byte"');
  });

  it('gives the place of the oldest idle connection to a new one where all are taken, and none of one that is answered', async () => {
    await using test = await openTestEdge({ limits: { loopbackConnections: 2 } });
    const [row] = (await test.content.add('org/m', { 'm.bin': Buffer.alloc(64 * MiB) })) as [ServedFile];
    const busy = await openTcp(test.port);
    busy.write(`GET /v1/blobs/${row.sha256} HTTP/1.1\r\nHost: 127.0.0.1:${test.port}\r\n\r\n`);
    await once(busy, 'readable');
    busy.on('error', () => {});
    const idle = await openTcp(test.port);
    idle.write('G');
    // Reset, for its byte was never answered.
    const closed = new Promise((resolve) => idle.on('error', () => {}).on('close', resolve));
    idle.resume();
    expect(await ask({ port: test.port, path: '/health' })).toMatchObject({ status: 200 });
    await closed;
    expect(busy.destroyed).toBe(false);
    busy.destroy();
  });

  it('closes a TLS client that never ends its handshake', async () => {
    await using test = await openTestEdge({ tls: server, limits: { handshakeMs: 20 } });
    const socket = await openTcp(test.port);
    socket.write(Buffer.from([0x16, 3, 1]));
    await readToEnd(socket);
  });

  it('closes a TLS client that asks nothing after its handshake', async () => {
    await using test = await openTestEdge({
      tls: server,
      limits: { headerMs: 20, requestMs: 30, connectionCheckMs: 10 },
    });
    await readToEnd(await openTls(test.port, peer));
  });

  it('answers a header that trickles with 408', async () => {
    await using test = await openTestEdge({ limits: { headerMs: 30, requestMs: 50, connectionCheckMs: 10 } });
    const socket = await openTcp(test.port);
    socket.write('GET /health HTTP/1.1\r\nX-Slow: ');
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 408 .*"code":"request_timeout"/s);
  });

  it('answers a body that trickles with 408', async () => {
    await using test = await openTestEdge({ limits: { headerMs: 30, requestMs: 50, connectionCheckMs: 10 } });
    const socket = await openTcp(test.port);
    const headers = `Host: 127.0.0.1:${test.port}\r\nAuthorization: Bearer ${LOCAL_TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 100`;
    socket.write(`POST /api/v1/mesh/init HTTP/1.1\r\n${headers}\r\n\r\n{`);
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('closes a kept connection that asks nothing more', async () => {
    await using test = await openTestEdge({ limits: { keepAliveMs: 20 } });
    const socket = await openTcp(test.port);
    socket.write(health(test.port));
    expect(await readToEnd(socket)).toContain('"status":"ok"');
  });

  it('refuses a header of too many bytes, and one of too many fields', async () => {
    await using test = await openTestEdge();
    const long = await askJson({ port: test.port, path: '/health', headers: { 'x-long': 'x'.repeat(17 * 1024) } });
    expect(long).toMatchObject({ status: 431, json: { code: 'headers_too_large' } });
    const fields = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`x-${index}`, '1']));
    const many = await askJson({ port: test.port, path: '/health', headers: fields });
    expect(many).toMatchObject({ status: 431, json: { code: 'headers_too_large' } });
  });

  it('refuses two lengths in one request, which smugglers send', async () => {
    await using test = await openTestEdge();
    const socket = await openTcp(test.port);
    socket.write(
      `POST /api/v1/mesh/init HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    );
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('closes a connection over the total where all are answered, and takes new ones when some ended', async () => {
    await using test = await openTestEdge({ limits: { loopbackConnections: 2, closeGraceMs: 10 } });
    const [row] = (await test.content.add('org/m', { 'm.bin': Buffer.alloc(64 * MiB) })) as [ServedFile];
    const held = [await openTcp(test.port), await openTcp(test.port)];
    for (const socket of held) {
      socket.write(`GET /v1/blobs/${row.sha256} HTTP/1.1\r\nHost: 127.0.0.1:${test.port}\r\n\r\n`);
      await once(socket, 'readable');
    }
    expect(await readToEnd(await openTcp(test.port))).toBe('');
    held[0]?.destroy();
    let status = 0;
    while (status !== 200)
      status = await ask({ port: test.port, path: '/health' }).then(
        (answer) => answer.status,
        () => 0,
      );
    held[1]?.destroy();
  });

  it('bounds the blob streams of one peer', async () => {
    await using test = await openTestEdge({ limits: { streamsPerPeer: 1, closeGraceMs: 10 } });
    const [row] = (await test.content.add('big', { 'b.bin': Buffer.alloc(48 * MiB) })) as [ServedFile];
    const socket = await openTcp(test.port);
    socket.write(`GET /v1/blobs/${row.sha256} HTTP/1.1\r\nHost: 127.0.0.1:${test.port}\r\n\r\n`);
    await once(socket, 'data');
    socket.pause();
    const second = await askJson({ port: test.port, path: `/v1/blobs/${row.sha256}` });
    expect(second).toMatchObject({
      status: 429,
      json: { code: 'too_many_streams', retry: true },
      headers: { 'retry-after': '1' },
    });
    socket.destroy();
  });

  it.each([['plain'], ['tls']])(
    'reads no further than a reader takes, and cuts one that takes nothing (%s)',
    async (kind) => {
      await using test = await openTestEdge({ tls: server, limits: { stalledReaderMs: 50 } });
      const [row] = (await test.content.add('big', { 'b.bin': Buffer.alloc(48 * MiB) })) as [ServedFile];
      const socket = kind === 'tls' ? await openTls(test.port, peer) : await openTcp(test.port);
      socket.write(`GET /v1/blobs/${row.sha256} HTTP/1.1\r\nHost: 127.0.0.1:${test.port}\r\n\r\n`);
      await once(socket, 'data');
      socket.pause();
      while (test.content.openHandles > 0) await new Promise((resolve) => setImmediate(resolve));
      const got = await readToEnd(socket);
      expect(got.length).toBeLessThan(48 * MiB);
      // What the two ends of the connection hold, and two chunks.
      expect(test.content.bytesRead).toBeLessThan(24 * MiB);
    },
  );
});

describe('a reader of a long list', () => {
  it('is cut too when it takes nothing', async () => {
    await using test = await openTestEdge({ limits: { stalledReaderMs: 50 } });
    await test.content.add('big', { 'b.bin': Buffer.from('b') });
    const model = test.content.models.get('big');
    if (model === undefined) throw new Error('it was just added');
    const entry = { ...model.entry, metadata: { filler: 'x'.repeat(1024) } };
    for (let count = 0; count < 16_384; count += 1) test.content.models.set(`big${count}`, { ...model, entry });
    const socket = await openTcp(test.port);
    socket.write(`GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:${test.port}\r\n\r\n`);
    await once(socket, 'data');
    socket.pause();
    const cut = /atmosphere_http_connections\{transport="plain"\} 0/;
    while (!cut.test(await test.edge.metrics.metrics())) await new Promise((resolve) => setImmediate(resolve));
  });
});
