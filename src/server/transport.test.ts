import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { MiB, silentLogger } from '../core/index.ts';
import {
  ask,
  askJson,
  controlWith,
  LOCAL_TOKEN,
  openTcp,
  openTestEdge,
  openTls,
  PEER_ID,
  readToEnd,
  refusingPeers,
  selfSigned,
} from './http-edge.fixture.ts';
import type { ServedFile } from './ports.ts';

const server = await selfSigned('server');
const peer = await selfSigned('peer');
const health = (port: number): string => `GET /health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;

describe('one port', () => {
  it('answers TLS and plain HTTP, whatever pieces the first bytes come in', async () => {
    await using test = await openTestEdge({ tls: server });
    const plain = await openTcp(test.port);
    plain.write('G');
    plain.once('data', () => plain.destroy());
    plain.write(health(test.port).slice(1));
    await once(plain, 'close');
    const secure = await openTls(test.port, peer);
    secure.write(health(test.port));
    const [answer] = (await once(secure, 'data')) as [Buffer];
    expect(answer.toString()).toContain('"status":"ok"');
    secure.destroy();
  });

  it('answers what the framework itself refuses as the fault of the request, without a line in the log', async () => {
    const errors: string[] = [];
    const logger = { ...silentLogger, error: (_fields: object, message: string) => void errors.push(message) };
    await using test = await openTestEdge({ logger });
    const statusOf = async (line: string): Promise<string> => {
      const socket = await openTcp(test.port);
      socket.write(`${line} HTTP/1.1\r\nHost: 127.0.0.1:${test.port}\r\nConnection: close\r\n\r\n`);
      return (await readToEnd(socket)).slice(9, 12);
    };
    expect(await statusOf('QUERY /v1/models')).toBe('400');
    const twoHosts = await openTcp(test.port);
    twoHosts.write(`${health(test.port).trimEnd()}\r\nHost: example.org\r\nConnection: close\r\n\r\n`);
    expect((await readToEnd(twoHosts)).slice(9, 12)).toBe('400');
    expect(await statusOf('GET /docs/static/%2e%2e/%2e%2e/package.json')).toBe('404');
    expect(errors).toEqual([]);
  });

  it('answers a client that ends its half after asking', async () => {
    await using test = await openTestEdge();
    const socket = await openTcp(test.port);
    socket.end(health(test.port));
    expect(await readToEnd(socket)).toContain('"status":"ok"');
  });

  it('gives the verifier the certificate and closes whom it refuses before any request', async () => {
    await using test = await openTestEdge({ tls: server, peers: refusingPeers });
    const socket = await openTls(test.port, peer);
    socket.write(health(test.port));
    expect(await readToEnd(socket)).toBe('');
    expect(await test.edge.metrics.metrics()).toContain('atmosphere_http_refused_total{reason="peer_certificate"} 1');
  });

  it('verifies every connection anew, also one that resumes a session', async () => {
    let verified = 0;
    const peers = {
      verifyPeer: async () => {
        verified += 1;
        return { nodeId: PEER_ID, role: 'member' };
      },
    };
    await using test = await openTestEdge({ tls: server, peers });
    for (let count = 1; count <= 2; count += 1) {
      const socket = await openTls(test.port, peer);
      socket.write(health(test.port));
      await once(socket, 'data');
      expect(verified).toBe(count);
      socket.destroy();
    }
  });

  it('refuses TLS below 1.3', async () => {
    await using test = await openTestEdge({ tls: server });
    const old = openTls(test.port, { ...peer, ...({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as object) });
    await expect(old).rejects.toThrow();
    expect((await askJson({ port: test.port, path: '/health' })).status).toBe(200);
  });

  it('closes TLS when it has no certificate, and garbage in any case', async () => {
    await using test = await openTestEdge();
    await expect(openTls(test.port)).rejects.toThrow();
    const garbage = await openTcp(test.port);
    garbage.write(Buffer.from([0, 1, 2, 3, 255]));
    expect(await readToEnd(garbage)).toMatch(/^HTTP\/1\.1 400 .*"code":"malformed_request"/s);
  });

  it('takes its first certificate later', async () => {
    await using test = await openTestEdge();
    test.edge.setTls(server);
    (await openTls(test.port, peer)).destroy();
  });

  it('shows a renewed certificate to new connections and keeps the old ones', async () => {
    await using test = await openTestEdge({ tls: server });
    const before = await openTls(test.port, peer);
    test.edge.setTls(await selfSigned('renewed'));
    const after = await openTls(test.port, peer);
    expect([before.getPeerCertificate().subject.CN, after.getPeerCertificate().subject.CN]).toEqual([
      'server',
      'renewed',
    ]);
    before.write(health(test.port));
    await once(before, 'data');
    for (const socket of [before, after]) socket.destroy();
  });

  it('cuts the connections of a peer that lost its membership', async () => {
    await using test = await openTestEdge({ tls: server });
    const socket = await openTls(test.port, peer);
    socket.write(health(test.port));
    await once(socket, 'data');
    test.edge.disconnectPeer(PEER_ID);
    await readToEnd(socket);
  });

  it('names the taken port and the flag that helps', async () => {
    const other = createServer().listen(0, '0.0.0.0');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const failed = openTestEdge({ port });
    await expect(failed).rejects.toMatchObject({
      code: 'port_in_use',
      kind: 'refused',
      message: expect.stringContaining(`${port}`),
    });
    await expect(failed).rejects.toThrow(/--port/);
    other.close();
  });
});

describe('close()', () => {
  it('ends idle connections, lets an answer under way end, and leaves nothing open', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const test = await openTestEdge({ tls: server });
    const bytes = Buffer.alloc(32 * MiB, 7);
    const [row] = (await test.content.add('big', { 'b.bin': bytes })) as [ServedFile];
    const idle = await openTcp(test.port);
    idle.write(health(test.port));
    await once(idle, 'data');
    const silent = await openTcp(test.port);
    const reader = await openTls(test.port, peer);
    reader.write(`GET /v1/blobs/${row.sha256} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const [first] = (await once(reader, 'data')) as [Buffer];
    reader.pause();
    const closed = test[Symbol.asyncDispose]();
    await Promise.all([readToEnd(idle), readToEnd(silent)]);
    const rest = await readToEnd(reader);
    const answer = first.toString('latin1') + rest;
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4).length).toBe(bytes.length);
    await closed;
    await expect(openTcp(test.port)).rejects.toThrow();
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });

  it('listens on loopback beside an address that does not include it, and leaves neither', async () => {
    const test = await openTestEdge({ host: '127.0.0.2' });
    expect(test.edge.address.host).toBe('127.0.0.2');
    for (const host of ['127.0.0.1', '127.0.0.2'])
      expect((await ask({ host, port: test.port, path: '/health' })).status).toBe(200);
    await test[Symbol.asyncDispose]();
    await expect(openTcp(test.port)).rejects.toThrow();
  });

  it('says port_in_use when loopback has the port already, and leaves the other address free', async () => {
    await using test = await openTestEdge({ host: '127.0.0.1' });
    const second = openTestEdge({ host: '127.0.0.2', port: test.port });
    await expect(second).rejects.toMatchObject({ code: 'port_in_use' });
    const third = createServer().listen({ host: '127.0.0.2', port: test.port });
    await once(third, 'listening');
    third.close();
  });

  it('does not wait for connections that ask nothing', async () => {
    const test = await openTestEdge({ tls: server, limits: { closeGraceMs: 3_600_000, closeLingerMs: 1 } });
    const silent = await openTls(test.port, peer);
    const trickling = await openTcp(test.port);
    trickling.write('GET /health HT');
    await ask({ port: test.port, path: '/health' });
    const ends = Promise.all([readToEnd(silent), readToEnd(trickling)]);
    await test[Symbol.asyncDispose]();
    await ends;
  });

  it('destroys what does not end within its grace, and may be called twice', async () => {
    const test = await openTestEdge({
      limits: { closeGraceMs: 20 },
      control: controlWith({ doctor: () => new Promise(() => {}) }),
    });
    const socket = await openTcp(test.port);
    socket.write(
      `GET /api/v1/doctor HTTP/1.1\r\nHost: 127.0.0.1:${test.port}\r\nAuthorization: Bearer ${LOCAL_TOKEN}\r\n\r\n`,
    );
    const stuck = readToEnd(socket);
    await ask({ port: test.port, path: '/health' });
    await Promise.all([test.edge.close(), test.edge.close()]);
    expect(await stuck).toBe('');
    await test[Symbol.asyncDispose]();
  });
});
