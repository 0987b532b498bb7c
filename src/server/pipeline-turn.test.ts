import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { MiB } from '../core/index.ts';
import { openTcp, openTestEdge, openTls, readToEnd, selfSigned, until } from './http-edge.fixture.ts';
import { SERVER_LIMITS } from './limits.ts';

const bytes = randomBytes(4 * MiB + 17);

function get(target: { readonly port: number; readonly path: string }, first: number, last: number, more = ''): string {
  return `GET ${target.path} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nRange: bytes=${first}-${last}\r\n${more}\r\n`;
}

/** Bodies of the answers, in the order they came. */
function bodiesOf(text: string): Buffer[] {
  const bodies: Buffer[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\r\n\r\n', at) + 4;
    expect(text.slice(at, at + 12)).toBe('HTTP/1.1 206');
    const length = Number(/content-length: (\d+)/i.exec(text.slice(at, end))?.[1]);
    bodies.push(Buffer.from(text.slice(end, end + length), 'latin1'));
    at = end + length;
  }
  return bodies;
}

/** The reader takes nothing, and what lies between is full. */
async function untilStuck(content: { readonly bytesRead: number }): Promise<void> {
  let [before, quietTurns] = [0, 0];
  await until(() => {
    quietTurns = content.bytesRead === before ? quietTurns + 1 : 0;
    before = content.bytesRead;
    return before > MiB && quietTurns > 1000;
  });
}

describe('requests that are sent ahead', () => {
  it('are answered in their order, and count as one stream with one open file', async () => {
    await using test = await openTestEdge({ limits: { streamsPerPeer: 1 } });
    const [file] = await test.content.add('m', { 'a.gguf': bytes });
    const target = { port: test.port, path: `/v1/blobs/${file?.sha256}` };
    const ranges = Array.from({ length: 8 }, (_, index) => [index * 500_000, index * 500_000 + 499_999] as const);
    const socket = await openTcp(test.port);
    const requests = ranges.map(([first, last], index) =>
      get(target, first, last, index === 7 ? 'Connection: close\r\n' : ''),
    );
    socket.write(requests.join(''));
    const bodies = bodiesOf(await readToEnd(socket));
    expect(bodies.map((body) => body.length)).toEqual(ranges.map(() => 500_000));
    expect(Buffer.concat(bodies).equals(bytes.subarray(0, 4_000_000))).toBe(true);
    await until(() => test.content.openHandles === 0);
  });

  it('are forgotten when the client goes away', async () => {
    await using test = await openTestEdge({ limits: { streamsPerPeer: 1 } });
    const [file] = await test.content.add('m', { 'a.gguf': bytes });
    const target = { port: test.port, path: `/v1/blobs/${file?.sha256}` };
    const socket = await openTcp(test.port);
    socket.write(get(target, 0, bytes.length - 1).repeat(4));
    await once(socket, 'data');
    socket.destroy();
    await until(() => test.content.openHandles === 0);
    const next = await openTcp(test.port);
    next.write(get(target, 0, 9, 'Connection: close\r\n'));
    expect(bodiesOf(await readToEnd(next))).toEqual([bytes.subarray(0, 10)]);
  });

  it('wait where the answer before them is not read, however many records they come in', async () => {
    await using test = await openTestEdge({ tls: await selfSigned('server') });
    const [file] = await test.content.add('m', { 'a.gguf': Buffer.alloc(32 * MiB) });
    const target = { port: test.port, path: `/v1/blobs/${file?.sha256}` };
    const socket = await openTls(test.port, await selfSigned('peer'));
    socket.setMaxSendFragment(512);
    socket.write(get(target, 0, 32 * MiB - 1));
    await once(socket, 'readable');
    await untilStuck(test.content);
    for (let batch = 0; batch < 3; batch += 1)
      await new Promise((sent) => socket.write(get(target, 0, 9).repeat(6), sent));
    socket.write(get(target, 0, 9, 'Connection: close\r\n'));
    const lengths = bodiesOf(await readToEnd(socket)).map((body) => body.length);
    expect(lengths).toEqual([32 * MiB, ...Array(19).fill(10)]);
  });

  it('are not answered out of turn where what comes behind them is no request', async () => {
    await using test = await openTestEdge();
    const [file] = await test.content.add('m', { 'a.gguf': bytes });
    const target = { port: test.port, path: `/v1/blobs/${file?.sha256}` };
    for (const waiting of [1, 4]) {
      const socket = await openTcp(test.port);
      socket.write(`${get(target, 0, bytes.length - 1).repeat(waiting)}\0\r\n\r\n`);
      expect(await readToEnd(socket)).not.toContain('HTTP/1.1 400');
    }
    await until(() => test.content.openHandles === 0);
  });

  it('are no way to a WebSocket in the middle of an answer', async () => {
    await using test = await openTestEdge();
    const [file] = await test.content.add('m', { 'a.gguf': bytes });
    const target = { port: test.port, path: `/v1/blobs/${file?.sha256}` };
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
    const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\n${key}`;
    const socket = await openTcp(test.port);
    socket.write(get(target, 0, bytes.length - 1) + get({ port: test.port, path: '/mesh' }, 0, 9, upgrade));
    expect(await readToEnd(socket)).not.toContain('101 Switching');
    await until(() => test.content.openHandles === 0);
  });

  it('end their connection where there are too many of them', async () => {
    const never = {
      take: (_count: number, signal?: AbortSignal) =>
        new Promise<void>((_, reject) => signal?.addEventListener('abort', () => reject(new Error('gone')))),
    };
    await using test = await openTestEdge({ uploadGate: () => never });
    const [file] = await test.content.add('m', { 'a.gguf': bytes });
    const target = { port: test.port, path: `/v1/blobs/${file?.sha256}` };
    const patient = await openTcp(test.port);
    patient.write(get(target, 0, 9).repeat(SERVER_LIMITS.pipelinedRequests));
    const greedy = await openTcp(test.port);
    greedy.write(get(target, 0, 9).repeat(SERVER_LIMITS.pipelinedRequests + 1));
    await readToEnd(greedy);
    expect(patient.destroyed).toBe(false);
    expect(await test.edge.metrics.metrics()).toContain('refused_total{reason="pipelined_requests"} 1');
    patient.destroy();
  });
});
