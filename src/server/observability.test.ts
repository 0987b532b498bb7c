import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Logger } from '../core/index.ts';
import { ask, askJson, controlWith, LOCAL_TOKEN, openTcp, openTestEdge, until } from './http-edge.fixture.ts';
import type { ServedFile } from './ports.ts';

function recording(lines: object[]): Logger {
  const line = (fields: object, message: string): void => void lines.push({ ...fields, message });
  const logger: Logger = { debug: line, info: line, warn: line, error: line };
  return logger;
}

describe('what an operator sees', () => {
  it('has one debug line a request, by pattern, and no secrets', async () => {
    const lines: object[] = [];
    await using test = await openTestEdge({
      logger: recording(lines),
      control: controlWith({ doctor: async () => ({ checks: [] }) }),
    });
    const [row] = (await test.content.add('org/m', { 'm.bin': Buffer.from('12345') })) as [ServedFile];
    await ask({
      port: test.port,
      path: '/api/v1/doctor?token=query-secret',
      headers: { authorization: `Bearer ${LOCAL_TOKEN}`, cookie: 'cookie-secret' },
    });
    await ask({ port: test.port, path: `/v1/blobs/${row.sha256}` });
    await until(() => lines.length === 2);
    expect(lines[0]).toMatchObject({
      method: 'GET',
      route: '/api/v1/doctor',
      status: 200,
      viewer: 'loopback',
      message: 'request',
    });
    expect(lines[1]).toMatchObject({ route: '/v1/blobs/:sha256', status: 200, bytes: 5, complete: true });
    expect(JSON.stringify(lines)).not.toMatch(/secret|local-token/);
  });

  it('counts requests, bytes and refusals in closed sets of labels', async () => {
    await using test = await openTestEdge();
    const [row] = (await test.content.add('org/m', { 'm.bin': Buffer.from('12345') })) as [ServedFile];
    await ask({ port: test.port, path: `/v1/blobs/${row.sha256}` });
    await ask({ port: test.port, path: '/some/path/of/an/attacker' });
    await ask({ port: test.port, path: '/api/v1/status' });
    const { body, headers } = await ask({ port: test.port, path: '/metrics' });
    const text = body.toString();
    expect(headers['content-type']).toContain('text/plain');
    expect(text).toContain('atmosphere_http_requests_total{route="/v1/blobs/:sha256",status="200"} 1');
    expect(text).toContain('atmosphere_http_requests_total{route="none",status="404"} 1');
    expect(text).toContain('atmosphere_http_sent_bytes_total{viewer="loopback"} 5');
    expect(text).toContain('atmosphere_http_refused_total{reason="local_token_wrong"} 1');
    expect(text).toContain('atmosphere_http_blob_streams 0');
    expect(text).not.toContain('attacker');
  });
});

describe('a client that leaves', () => {
  it('is not an error in the log', async () => {
    const lines: object[] = [];
    const started = Promise.withResolvers<void>();
    const control = controlWith({
      doctor: async (_input, signal) => {
        started.resolve();
        await once(signal, 'abort');
        throw signal.reason;
      },
    });
    await using test = await openTestEdge({ logger: recording(lines), control });
    const socket = await openTcp(test.port);
    const head = `Host: 127.0.0.1:${test.port}\r\nAuthorization: Bearer ${LOCAL_TOKEN}`;
    socket.write(`GET /api/v1/doctor HTTP/1.1\r\n${head}\r\n\r\n`);
    await started.promise;
    socket.destroy();
    await until(() => lines.length > 0);
    await ask({ port: test.port, path: '/health' });
    await until(() => lines.length > 1);
    expect(lines.map((line) => (line as { message: string }).message)).toEqual(['request', 'request']);
    expect(lines[0]).toMatchObject({ route: '/api/v1/doctor', status: 0, complete: false });
  });
});

describe('the API page', () => {
  it('has every route of the contract', async () => {
    await using test = await openTestEdge({ version: '1.2.3' });
    const { json } = await askJson({ port: test.port, path: '/openapi.json' });
    expect(json).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    expect(json.paths['/v1/models/download/{id}'].get.responses).toHaveProperty('206');
    expect(json.paths['/api/v1/transfers/{request_id}'].delete.parameters[0]).toMatchObject({
      name: 'request_id',
      in: 'path',
      required: true,
    });
    expect(
      json.paths['/api/v1/models/info'].get.parameters.map((row: { name: string; required: boolean }) => [
        row.name,
        row.required,
      ]),
    ).toEqual([
      ['id', true],
      ['range', false],
    ]);
    expect(json.paths['/api/v1/models/scan'].post.responses[200].content).toHaveProperty(['application/x-ndjson']);
    expect(json.paths['/health'].get.responses[200].content['application/json'].schema.properties).toHaveProperty(
      'models_available',
    );
  });

  it('loads nothing from elsewhere', async () => {
    await using test = await openTestEdge();
    expect([200, 302]).toContain((await ask({ port: test.port, path: '/docs' })).status);
    const page = await ask({ port: test.port, path: '/docs/' });
    expect(page.status).toBe(200);
    const html = page.body.toString();
    expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    for (const [, source = ''] of html.matchAll(/(?:src|href)="([^"]+)"/g))
      expect([
        source,
        (await ask({ port: test.port, path: new URL(source, 'http://x/docs/').pathname })).status,
      ]).toEqual([source, 200]);
  });
});
