import { describe, expect, test } from 'vitest';
import { ControlClient } from './client.ts';

function clientOf(respond: (url: URL, init: RequestInit) => Response | Promise<Response>): ControlClient {
  const fetch = (async (url, init) => respond(url as URL, init as RequestInit)) as typeof globalThis.fetch;
  return new ControlClient({ baseUrl: 'http://127.0.0.1:1', token: 't', fetch });
}

async function collect<Event>(events: AsyncIterable<Event>): Promise<Event[]> {
  const all: Event[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** A body that ends with an error after its chunks, as a connection does that breaks. */
function broken(...chunks: string[]): Response {
  const left = [...chunks];
  return new Response(
    new ReadableStream({
      pull(controller) {
        const chunk = left.shift();
        if (chunk === undefined) controller.error(new TypeError('terminated'));
        else controller.enqueue(new TextEncoder().encode(chunk));
      },
    }),
  );
}

describe('ControlClient', () => {
  test('stream() puts lines together that arrive in pieces', async () => {
    const client = clientOf(() => {
      const parts = ['{"event":"comp', 'leted"}\n{"event":"progress"}', '\n', '{"event":"model"}'];
      return new Response(ReadableStream.from(parts.map((part) => new TextEncoder().encode(part))));
    });
    const events = await collect(client.stream('modelScan'));
    expect(events.map(({ event }) => event)).toEqual(['completed', 'progress', 'model']);
  });

  test('stream() of a connection that breaks is daemon_unreachable after what came', async () => {
    const seen: string[] = [];
    const reading = async () => {
      for await (const { event } of clientOf(() => broken('{"event":"progress"}\n')).stream('modelScan'))
        seen.push(event);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'daemon_unreachable', kind: 'unreachable' });
    expect(seen).toEqual(['progress']);
  });

  test.each(['{', '{"event":"unheard-of"}', 'null'])('stream() of a line %j is bad_answer', async (line) => {
    const client = clientOf(() => new Response(`${line}\n`));
    await expect(collect(client.stream('modelScan'))).rejects.toMatchObject({ code: 'bad_answer' });
  });

  test('stream() of work that failed before its first event throws its own error', async () => {
    const line = '{"event":"failed","error":"nobody has one","code":"nothing_offered","kind":"not_found"}';
    const client = clientOf(() => new Response(`${line}\n`));
    await expect(collect(client.stream('pull', { body: { id: 'a' } }))).rejects.toMatchObject({
      ...{ name: 'RemoteError', code: 'nothing_offered', kind: 'not_found', message: 'nobody has one' },
    });
  });

  test('call() of an answer that breaks off is daemon_unreachable', async () => {
    await expect(clientOf(() => broken('{"transfers"')).call('transfers')).rejects.toMatchObject({
      code: 'daemon_unreachable',
    });
  });

  test('call() of an answer that is no JSON is bad_answer', async () => {
    const client = clientOf(() => new Response('<html>'));
    await expect(client.call('transfers')).rejects.toMatchObject({ code: 'bad_answer' });
  });

  test('call() of an error without a body that it knows is bad_answer', async () => {
    const client = clientOf(() => new Response('no', { status: 502 }));
    await expect(client.call('transfers')).rejects.toMatchObject({ code: 'bad_answer' });
  });

  test('call() that cannot connect says on what it failed', async () => {
    const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const client = clientOf(() => {
      throw new TypeError('fetch failed', { cause });
    });
    await expect(client.call('status')).rejects.toMatchObject({
      code: 'daemon_unreachable',
      message: 'Asking the daemon at http://127.0.0.1:1: ECONNREFUSED',
    });
  });

  test('call() puts params into the path, each as one segment', async () => {
    let path = '';
    const client = clientOf((url) => {
      path = url.pathname;
      return new Response('{}');
    });
    await client.call('transferCancel', { params: { request_id: '../shutdown' } }).catch(() => {});
    expect(path).toBe('/api/v1/transfers/..%2Fshutdown');
  });
});
