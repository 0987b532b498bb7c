import { describe, expect, it } from 'vitest';
import {
  type Answer,
  askJson,
  controlWith,
  GOOD_TOKEN,
  LOCAL_TOKEN,
  openTcp,
  openTestEdge,
  openTls,
  readToEnd,
  selfSigned,
  type TestEdge,
} from './http-edge.fixture.ts';
import type { ServedFile, TlsIdentity } from './ports.ts';

const server = await selfSigned('server');
const peer = await selfSigned('peer');
const control = controlWith({ doctor: async () => ({ checks: [] }), shutdown: async () => ({ stopping: true }) });

/** Over TLS: without a certificate that is a stranger wherever it comes from (05-http §1 no. 2). */
async function askTls(
  port: number,
  path: string,
  headers = '',
  identity?: TlsIdentity,
): Promise<Pick<Answer, 'status'> & { text: string }> {
  const socket = await openTls(port, identity);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: any\r\nConnection: close\r\n${headers}\r\n`);
  const text = await readToEnd(socket);
  return { status: Number(text.slice(9, 12)), text };
}

async function openWithTwo(openLan = false): Promise<TestEdge & { opened: ServedFile; closed: ServedFile }> {
  const test = await openTestEdge({ tls: server, openLan, control });
  const [opened] = (await test.content.add('org/opened', { 'o.bin': Buffer.from('opened') }, true)) as [ServedFile];
  const [closed] = (await test.content.add('org/closed', { 'c.bin': Buffer.from('closed') })) as [ServedFile];
  return { ...test, opened, closed };
}

describe('a stranger', () => {
  it('reads what the owner opened, by name and by digest, and nothing else', async () => {
    await using test = await openWithTwo();
    const { opened, closed } = test;
    const status = async (path: string): Promise<number> => (await askTls(test.port, path)).status;
    const good = [
      '/health',
      '/v1/models/org/opened',
      '/v1/models/download/org/opened',
      `/v1/blobs/${opened.sha256}`,
      `/v1/blobs/${opened.sha256}/pieces`,
    ];
    for (const path of good) expect([path, await status(path)]).toEqual([path, 200]);
    const hidden = [
      '/v1/models/org/closed',
      '/v1/models/download/org/closed',
      `/v1/blobs/${closed.sha256}`,
      `/v1/blobs/${closed.sha256}/pieces`,
    ];
    for (const path of hidden) expect([path, await status(path)]).toEqual([path, 404]);
    for (const path of ['/v1/models', '/metrics', '/openapi.json', '/docs/', '/api/v1/status', '/api/v1/nothing'])
      expect([path, await status(path)]).toEqual([path, 403]);
  });

  it('cannot tell what is closed from what is absent', async () => {
    await using test = await openWithTwo();
    const body = async (id: string): Promise<string | undefined> =>
      (await askTls(test.port, `/v1/models/${id}`)).text.split('\r\n\r\n')[1]?.replaceAll(id, 'ID');
    expect(await body('org/closed')).toBe(await body('org/absent'));
  });

  it('sees the list of what is opened when the owner opened the LAN', async () => {
    await using test = await openWithTwo(true);
    const { status, text } = await askTls(test.port, '/v1/models');
    expect(status).toBe(200);
    expect(text).toContain('org/opened');
    expect(text).not.toContain('org/closed');
  });

  it('with a good token reads everything but the control API', async () => {
    await using test = await openWithTwo();
    const bearer = `Authorization: Bearer ${GOOD_TOKEN}\r\n`;
    for (const path of ['/v1/models', '/v1/models/org/closed', `/v1/blobs/${test.closed.sha256}`, '/metrics'])
      expect((await askTls(test.port, path, bearer)).status).toBe(200);
    expect((await askTls(test.port, '/api/v1/doctor', bearer)).text).toContain('owner_over_tls');
  });

  it('with a bad token is refused with what to do, and the token is not repeated', async () => {
    await using test = await openWithTwo();
    const { status, text } = await askTls(test.port, '/v1/models', 'Authorization: Bearer stale.secret\r\n');
    expect(status).toBe(401);
    expect(text).toMatch(/www-authenticate: Bearer/i);
    expect(text).toContain('token_refused');
    expect(text).not.toContain('stale.secret');
  });

  it('is slowed when it asks too much; a peer from the same address is not', async () => {
    await using test = await openTestEdge({
      tls: server,
      limits: { strangerBurst: 3, strangerRequestsPerSecond: 0.01 },
    });
    const statuses: number[] = [];
    for (let count = 0; count < 5; count += 1) statuses.push((await askTls(test.port, '/health')).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    const late = await askTls(test.port, '/health', 'Authorization: Bearer guess\r\n');
    expect(late.text).toMatch(/retry-after: \d+/i);
    for (let count = 0; count < 5; count += 1) expect((await askTls(test.port, '/health', '', peer)).status).toBe(200);
  });
});

describe('a peer', () => {
  it('reads everything, and never reaches the control API, even with the local token', async () => {
    await using test = await openWithTwo();
    for (const path of ['/v1/models', '/v1/models/org/closed', `/v1/blobs/${test.closed.sha256}`])
      expect((await askTls(test.port, path, '', peer)).status).toBe(200);
    const tried = await askTls(test.port, '/api/v1/doctor', `Authorization: Bearer ${LOCAL_TOKEN}\r\n`, peer);
    expect(tried.status).toBe(403);
    expect(tried.text).toContain('owner_over_tls');
  });
});

describe('the owner on loopback', () => {
  const authorization = `Bearer ${LOCAL_TOKEN}`;

  it('asks the control API with the local token', async () => {
    await using test = await openTestEdge({ control });
    const answer = await askJson({ port: test.port, path: '/api/v1/doctor', headers: { authorization } });
    expect(answer).toMatchObject({ status: 200, json: { checks: [] } });
  });

  it.each([
    ['without a token', {}, 'local_token_wrong'],
    ['with a mesh token', { authorization: `Bearer ${GOOD_TOKEN}` }, 'local_token_wrong'],
    ['by another name of this machine', { authorization, host: 'models.evil.example' }, 'foreign_host'],
    ['from another site’s page', { authorization, origin: 'http://evil.example' }, 'foreign_origin'],
  ])('is refused %s', async (_how, headers, code) => {
    await using test = await openTestEdge({ control });
    for (const [method, path] of [
      ['GET', '/api/v1/doctor'],
      ['POST', '/api/v1/shutdown'],
    ] as const)
      expect(await askJson({ port: test.port, path, method, headers })).toMatchObject({
        status: 403,
        json: { code, kind: 'refused' },
      });
  });

  it('reads models without a token, but not through a re-pointed name', async () => {
    await using test = await openTestEdge();
    expect(await askJson({ port: test.port, path: '/v1/models' })).toMatchObject({ status: 200 });
    const headers = { host: 'evil.example' };
    for (const path of ['/v1/models', '/metrics', '/docs/', '/openapi.json', '/v1/nothing'])
      expect(await askJson({ port: test.port, path, headers })).toMatchObject({
        status: 403,
        json: { code: 'foreign_host' },
      });
    expect(await askJson({ port: test.port, path: '/health', headers })).toMatchObject({ status: 200 });
  });

  it('must say a Host, also in HTTP/1.0', async () => {
    await using test = await openTestEdge();
    for (const [path, status] of [
      ['/v1/models', 403],
      ['/health', 200],
    ] as const) {
      const socket = await openTcp(test.port);
      socket.write(`GET ${path} HTTP/1.0\r\n\r\n`);
      expect(await readToEnd(socket)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    }
  });

  it('may come by IPv6 when the edge listens on it', async () => {
    await using test = await openTestEdge({ host: '::1' });
    const answer = await askJson({ host: '::1', port: test.port, path: '/v1/models' });
    expect(answer).toMatchObject({ status: 200, json: { object: 'list' } });
  });
});
