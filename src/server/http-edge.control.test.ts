import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ControlClient, type ControlHandlers, type Transfer, type WorkEvent } from '../api/index.ts';
import { AtmosphereError } from '../core/index.ts';
import { ask, askJson, controlWith, LOCAL_TOKEN, openTcp, openTestEdge, readToEnd } from './http-edge.fixture.ts';

const authorization = `Bearer ${LOCAL_TOKEN}`;
const json = { authorization, 'content-type': 'application/json' };

class ScanError extends AtmosphereError<'scan_failed'> {
  constructor() {
    super({ scan_failed: { kind: 'storage', fault: 'disk', retry: true, means: '' } }, 'scan_failed', 'Scanning: no');
  }
}

function withScan(events: (signal: AbortSignal) => AsyncIterable<WorkEvent>): ControlHandlers {
  return controlWith({ modelScan: (_input, signal) => events(signal) });
}

describe('a control route', () => {
  it('serves the typed client: query, params, body and defaults arrive parsed', async () => {
    const seen: unknown[] = [];
    const control = controlWith({
      modelList: async ({ query }) => {
        seen.push(query);
        return { contract: 1, models: [] };
      },
      meshInvite: async ({ body }) => {
        seen.push(body);
        return { code: 'c', role: body.role, uses: body.uses, expires_at: 'later' };
      },
      transferCancel: async ({ params }) => {
        seen.push(params);
        throw new ScanError();
      },
    });
    await using test = await openTestEdge({ control });
    const client = new ControlClient({ baseUrl: `http://127.0.0.1:${test.port}`, token: LOCAL_TOKEN });
    await client.call('modelList', { query: { scope: 'mesh' } });
    await client.call('meshInvite', { body: { uses: 2 } });
    const failed = client.call('transferCancel', { params: { request_id: 'a/b c' } });
    await expect(failed).rejects.toMatchObject({ code: 'scan_failed', kind: 'storage', retry: true });
    expect(seen).toEqual([{ scope: 'mesh' }, { role: 'member', expires_s: 86_400, uses: 2 }, { request_id: 'a/b c' }]);
  });

  it.each([
    ['a wrong type', '{"name":5}', 400, 'bad_request'],
    ['a missing field', '{}', 400, 'bad_request'],
    ['null', 'null', 400, 'bad_request'],
    ['no JSON', '{"name":', 400, 'bad_request'],
    ['nothing', '', 400, 'bad_request'],
    ['a poisoned prototype', '{"name":"a","__proto__":{"x":1}}', 400, 'bad_request'],
    ['too much', `{"name":"${'x'.repeat(257 * 1024)}"}`, 413, 'body_too_large'],
  ])('refuses %s', async (_what, body, status, code) => {
    await using test = await openTestEdge();
    const answer = await askJson({ port: test.port, path: '/api/v1/mesh/init', method: 'POST', headers: json, body });
    expect(answer).toMatchObject({ status, json: { code, kind: 'usage' } });
  });

  it('says which field is wrong', async () => {
    await using test = await openTestEdge();
    const answer = await askJson({ port: test.port, path: '/api/v1/models?scope=all', headers: { authorization } });
    expect(answer.json.data.issues).toEqual([{ path: 'scope', message: expect.any(String) }]);
  });

  it('takes JSON only: a form or plain text of a web page is 415', async () => {
    await using test = await openTestEdge();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const headers = { authorization, 'content-type': type };
      const answer = await askJson({
        port: test.port,
        path: '/api/v1/mesh/init',
        method: 'POST',
        headers,
        body: '{"name":"a"}',
      });
      expect(answer).toMatchObject({ status: 415, json: { code: 'wrong_media_type' } });
    }
  });

  it('checks who asks before it reads a body', async () => {
    await using test = await openTestEdge();
    const answer = await askJson({ port: test.port, path: '/api/v1/mesh/init', method: 'POST', body: '{' });
    expect(answer).toMatchObject({ status: 403, json: { code: 'local_token_wrong' } });
  });

  it('hides what nobody foresaw', async () => {
    const control = controlWith({ doctor: () => Promise.reject(new Error('secret /home/path')) });
    await using test = await openTestEdge({ control });
    const answer = await askJson({ port: test.port, path: '/api/v1/doctor', headers: { authorization } });
    expect(answer).toMatchObject({ status: 500, json: { code: 'internal', kind: 'internal' } });
    expect(JSON.stringify(answer.json)).not.toContain('secret');
  });

  it('aborts its work at once when the client goes away', async () => {
    const aborted = Promise.withResolvers<unknown>();
    const started = Promise.withResolvers<void>();
    const control = controlWith({
      doctor: (_input, signal) => {
        signal.addEventListener('abort', () => aborted.resolve(signal.reason));
        started.resolve();
        return new Promise(() => {});
      },
    });
    await using test = await openTestEdge({ control });
    const socket = await openTcp(test.port);
    socket.write(
      `GET /api/v1/doctor HTTP/1.1\r\nHost: 127.0.0.1:${test.port}\r\nAuthorization: ${authorization}\r\n\r\n`,
    );
    await started.promise;
    socket.destroy();
    expect(await aborted.promise).toMatchObject({ code: 'closing' });
  });
});

describe('a streaming control route', () => {
  const scan = { path: '/api/v1/models/scan', method: 'POST', headers: json, body: '{}' };

  it('sends each event as a line as it happens', async () => {
    const gate = Promise.withResolvers<void>();
    const control = withScan(async function* () {
      yield { event: 'progress', done_bytes: 1 };
      await gate.promise;
      yield { event: 'completed' };
    });
    await using test = await openTestEdge({ control });
    const client = new ControlClient({ baseUrl: `http://127.0.0.1:${test.port}`, token: LOCAL_TOKEN });
    const seen: string[] = [];
    for await (const { event } of client.stream('modelScan')) {
      seen.push(event);
      gate.resolve();
    }
    expect(seen).toEqual(['progress', 'completed']);
  });

  it('has a status of its own when it fails before its first event', async () => {
    // biome-ignore lint/correctness/useYield: it fails first
    const failing = async function* (): AsyncGenerator<WorkEvent> {
      throw new ScanError();
    };
    await using test = await openTestEdge({ control: withScan(failing) });
    expect(await askJson({ port: test.port, ...scan })).toMatchObject({ status: 507, json: { code: 'scan_failed' } });
  });

  it('says in its last line that it failed after some', async () => {
    const control = withScan(async function* () {
      yield { event: 'progress' };
      throw new ScanError();
    });
    await using test = await openTestEdge({ control });
    const { status, headers, body } = await ask({ port: test.port, ...scan });
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'application/x-ndjson' });
    const lines = body
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([
      { event: 'progress' },
      { event: 'failed', error: 'Scanning: no', code: 'scan_failed', kind: 'storage' },
    ]);
  });

  it('sends its head before the first event when that takes long', async () => {
    const gate = Promise.withResolvers<void>();
    const control = withScan(async function* () {
      await gate.promise;
      yield { event: 'completed' };
    });
    await using test = await openTestEdge({ control, limits: { eventHeadMs: 1 } });
    const response = await fetch(`http://127.0.0.1:${test.port}${scan.path}`, {
      method: 'POST',
      headers: json,
      body: '{}',
    });
    expect(response.status).toBe(200);
    gate.resolve();
    expect(await response.text()).toBe('{"event":"completed"}\n');
  });

  it('aborts its work when the client goes away, and runs its clean-up', async () => {
    const cleaned = Promise.withResolvers<void>();
    const control = withScan(async function* (signal) {
      try {
        yield { event: 'progress' };
        await once(signal, 'abort');
      } finally {
        cleaned.resolve();
      }
    });
    await using test = await openTestEdge({ control });
    const stop = new AbortController();
    const client = new ControlClient({ baseUrl: `http://127.0.0.1:${test.port}`, token: LOCAL_TOKEN });
    for await (const _event of client.stream('modelScan', {}, stop.signal)) break;
    await cleaned.promise;
  });

  it('ends with a last line when the daemon closes', async () => {
    const control = controlWith({
      transferEvents: async function* (_input, signal) {
        yield { request_id: 'r' } as Transfer;
        await once(signal, 'abort');
      },
    });
    const test = await openTestEdge({ control });
    const socket = await openTcp(test.port);
    socket.write(
      `GET /api/v1/transfers/events HTTP/1.1\r\nHost: 127.0.0.1:${test.port}\r\nAuthorization: ${authorization}\r\n\r\n`,
    );
    await once(socket, 'readable');
    const text = readToEnd(socket);
    await test[Symbol.asyncDispose]();
    expect(await text).toContain(
      '{"event":"failed","error":"Answering: the daemon is stopping","code":"closing","kind":"unreachable"}',
    );
  });
});
