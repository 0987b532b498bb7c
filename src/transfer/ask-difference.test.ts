/** A small question to a peer that answers as it likes, over HTTP and on a stream of the mesh. */
import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Sha256 } from '../core/index.ts';
import { MemoryByteStream } from '../mesh/memory-stream.ts';
import { encodeDifferenceAnswer, PROTOCOL_LIMITS } from '../protocol/index.ts';
import { nextTurn } from '../testkit/eventually.ts';
import { testBlob } from '../testkit/hostile-http-server.ts';
import { frameOf } from '../testkit/hostile-stream-peer.ts';
import { HttpPieceSource } from './http-source.ts';
import { StreamPieceSource } from './stream-source.ts';

const { blob } = testBlob(randomBytes(1000));
const base = 'b'.repeat(64) as Sha256;
const link = { base, target: blob.sha256, sha256: 'd'.repeat(64) as Sha256, sizeBytes: 10, pieceRoot: blob.pieceRoot };
const made = encodeDifferenceAnswer({ state: 'made', chain: [link] });
const never = (): AbortSignal => new AbortController().signal;
const servers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of servers.splice(0)) await end();
});

/** A server that says this to every request, and the requests. */
async function serve(answer: string | Buffer, close = false): Promise<{ source: HttpPieceSource; asked: string[] }> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      asked.push(String(bytes).split('\r\n')[0] ?? '');
      socket.write(answer);
      if (close) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const end = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  servers.push(end);
  return { source: new HttpPieceSource({ id: 'peer', blob, baseUrl: `http://127.0.0.1:${port}` }), asked };
}

function answerOf(status: string, body: Buffer, length: number | string = body.length): Buffer {
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\nContent-Length: ${length}\r\n\r\n`), body]);
}

describe('asking for a difference over HTTP', () => {
  it('names the bases, and reads what is made and what is being made', async () => {
    const { source, asked } = await serve(answerOf('200 OK', made));
    expect(await source.askDifference({ bases: [base], madeOnly: true }, never())).toEqual({
      state: 'made',
      chain: [link],
    });
    expect(asked).toEqual([`GET /v1/blobs/${blob.sha256}/difference?base=${base}&made=1 HTTP/1.1`]);
    const making = encodeDifferenceAnswer({ state: 'making', percent: 3, retryAfterMs: 9 });
    const other = await serve(answerOf('202 Accepted', making));
    expect(await other.source.askDifference({ bases: [base, base], madeOnly: false }, never())).toMatchObject({
      percent: 3,
    });
    expect(other.asked[0]).toContain(`?base=${base},${base} `);
  });

  it.each([
    ['has none', answerOf('404 Not Found', Buffer.from('{}')), 'not_held'],
    ['may not tell', answerOf('403 Forbidden', Buffer.from('{}')), 'refused'],
    ['is busy', answerOf('503 Busy', Buffer.from('{}')), 'peer_busy'],
    ['says another status', answerOf('206 Partial', made), 'bad_response'],
    ['says no JSON', answerOf('200 OK', Buffer.from('made')), 'bad_response'],
    ['announces too much', answerOf('200 OK', made, PROTOCOL_LIMITS.differenceAnswerBytes + 1), 'bad_response'],
    ['says more than announced', answerOf('200 OK', Buffer.concat([made, made]), made.length), 'bad_response'],
    ['says no length', Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), made]), 'bad_response'],
    ['has an endless head', Buffer.from(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(4000)}`), 'bad_response'],
    [
      'compresses',
      Buffer.from('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx'),
      'bad_response',
    ],
  ])('a peer that %s', async (_, answer, code) => {
    const { source } = await serve(answer);
    const asking = source.askDifference({ bases: [base], madeOnly: false }, never());
    await expect(asking).rejects.toEqual(expect.objectContaining({ code }));
  });

  it('ends when the peer does, and when the asker does', async () => {
    const { source } = await serve(answerOf('200 OK', made.subarray(0, 5), made.length), true);
    const asking = source.askDifference({ bases: [base], madeOnly: false }, never());
    await expect(asking).rejects.toEqual(expect.objectContaining({ code: 'peer_unreachable' }));
    const silent = await serve('');
    const off = new AbortController();
    const waiting = silent.source.askDifference({ bases: [base], madeOnly: false }, off.signal);
    off.abort();
    await expect(waiting).rejects.toEqual(expect.objectContaining({ code: 'cancelled' }));
  });
});

/** A source whose far end gives these bytes for the question. */
function streamSource(answer: Buffer | undefined): { source: StreamPieceSource; asked: unknown[] } {
  const asked: unknown[] = [];
  const openStream = async () => {
    const [here, there] = MemoryByteStream.pair(() => nextTurn());
    there.receive({
      bytes(chunk) {
        asked.push(JSON.parse(Buffer.from(chunk).toString('utf8', 4)));
        if (answer === undefined) there.abort(new Error('gone'));
        else void there.send(answer);
      },
      ended: () => {},
    });
    return here;
  };
  return { source: new StreamPieceSource({ id: 'peer', blob, openStream }), asked };
}

const headed = (head: unknown, body: Buffer = made): Buffer => Buffer.concat([frameOf(head), body]);

describe('asking for a difference on a stream', () => {
  it('names the bases, and reads the answer', async () => {
    const { source, asked } = streamSource(headed({ size: made.length, length: made.length }));
    expect(await source.askDifference({ bases: [base], madeOnly: true }, never())).toEqual({
      state: 'made',
      chain: [link],
    });
    expect(asked).toEqual([{ want: 'difference', sha256: blob.sha256, bases: [base], made: true }]);
  });

  it.each([
    ['has none', frameOf({ error: 'not_held' }), 'not_held'],
    ['is busy', frameOf({ error: 'busy' }), 'peer_busy'],
    ['says news', frameOf({ follow: true }), 'bad_response'],
    ['announces too much', headed({ size: 1e5, length: 1e5 }), 'bad_response'],
    ['says more than announced', headed({ size: 3, length: 3 }), 'bad_response'],
    ['says no JSON', headed({ size: 3, length: 3 }, Buffer.from('abc')), 'bad_response'],
    ['goes', undefined, 'peer_unreachable'],
  ])('a peer that %s', async (_, answer, code) => {
    const asking = streamSource(answer).source.askDifference({ bases: [base], madeOnly: false }, never());
    await expect(asking).rejects.toEqual(expect.objectContaining({ code }));
  });
});
