import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { MiB } from '../core/index.ts';
import { nextTurn } from '../testkit/eventually.ts';
import * as hostile from '../testkit/hostile-http-server.ts';
import { MemoryPieceSink } from '../testkit/memory-piece-sink.ts';
import { download, HttpPieceSource, type Lane, type PieceSource } from './index.ts';

const blob = hostile.testBlob(randomBytes(5 * MiB + 3));
const never = (): AbortSignal => new AbortController().signal;
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});

async function laneTo(behaviour?: hostile.Behaviour): Promise<{ lane: Lane; peer: hostile.HostileHttpServer }> {
  const peer = await hostile.startHostileHttpServer(blob, behaviour === undefined ? {} : { behaviour });
  open.push(peer);
  return { lane: await new HttpPieceSource({ id: 'a', baseUrl: peer.url, blob: blob.blob }).openLane(never()), peer };
}

/** What comes, copied a turn later: a buffer that is used again too early is found out. */
function readInto(lane: Lane, start: number, end: number, order: number[]): Promise<Buffer> {
  const got = Buffer.alloc(end - start);
  let filled = 0;
  const copies: Promise<void>[] = [];
  const receive = (bytes: Buffer): Promise<void> => {
    order.push(start);
    const at = filled;
    filled += bytes.length;
    const copied = new Promise<void>((resolve) => setImmediate(() => resolve(void bytes.copy(got, at))));
    copies.push(copied);
    return copied;
  };
  return lane
    .read({ start, end }, receive, never())
    .then(() => Promise.all(copies))
    .then(() => got);
}

describe('a lane that is asked ahead', () => {
  it('answers requests of any size in the order asked, on one connection', async () => {
    const { lane, peer } = await laneTo();
    const sizes = [1, 700_000, 3, 10, 2 * MiB, 1, 1, 1, 400_000, 5];
    const order: number[] = [];
    let start = 17;
    const reads = sizes.map((size) => {
      const range = { start, end: start + size };
      start += size;
      return { range, read: readInto(lane, range.start, range.end, order) };
    });
    for (const { range, read } of reads) {
      const got = await read;
      expect(got.equals(blob.content.subarray(range.start, range.end))).toBe(true);
    }
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(peer.openSockets.size).toBe(1);
    lane.close();
  });

  it('gets answers that come in one packet with the heads behind them, and those cut at every byte', async () => {
    const waiting: (() => Buffer)[] = [];
    const { lane } = await laneTo((request, socket) => {
      waiting.push(() =>
        Buffer.concat([
          Buffer.from(hostile.rangeHead(request, blob)),
          blob.content.subarray(request.start, request.end),
        ]),
      );
      if (waiting.length === 4) {
        const all = Buffer.concat(waiting.map((answer) => answer()));
        for (let at = 0; at < all.length; at += 97) socket.write(all.subarray(at, at + 97));
      }
      if (waiting.length === 8) socket.write(Buffer.concat(waiting.slice(4).map((answer) => answer())));
    });
    for (let round = 0; round < 2; round += 1) {
      const reads = [0, 100, 200, 300].map((start) => readInto(lane, start, start + 100, []));
      expect(Buffer.concat(await Promise.all(reads)).equals(blob.content.subarray(0, 400))).toBe(true);
    }
    lane.close();
  });

  it('fails what stands behind an answer that is wrong, with the first one’s reason', async () => {
    const { lane } = await laneTo((request, socket, served) =>
      (request.count === 1 ? hostile.answering(503) : hostile.honest)(request, socket, served),
    );
    const reads = [0, MiB, 2 * MiB].map((start) => readInto(lane, start, start + MiB, []));
    const ends = await Promise.allSettled(reads);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(ends[1]).toMatchObject({ reason: { code: 'peer_busy' } });
    await expect(readInto(lane, 0, 1, [])).rejects.toMatchObject({ code: 'peer_busy' });
  });

  it('goes on behind a request that was refused for the moment, to the byte', async () => {
    const body = '{"code":"no_upload_room"}';
    const refused = `HTTP/1.1 429 Too Many\r\nContent-Length: ${body.length}\r\nRetry-After: 1\r\nRetry-After-Ms: 320\r\n\r\n${body}`;
    for (const cut of [1, 7, 97, 5000]) {
      const waiting: Buffer[] = [];
      const { lane, peer } = await laneTo((request, socket) => {
        const honest = [
          Buffer.from(hostile.rangeHead(request, blob)),
          blob.content.subarray(request.start, request.end),
        ];
        waiting.push(request.count % 2 === 1 ? Buffer.from(refused) : Buffer.concat(honest));
        if (waiting.length < 4) return;
        const all = Buffer.concat(waiting.splice(0));
        for (let at = 0; at < all.length; at += cut) socket.write(all.subarray(at, at + cut));
      });
      const reads = [0, 100, 200, 300].map((start) => readInto(lane, start, start + 100, []));
      const ends = await Promise.allSettled(reads);
      const bad = ends.filter(({ status }) => status === 'rejected');
      expect(bad).toHaveLength(2);
      for (const one of bad) expect(one).toMatchObject({ reason: { code: 'peer_busy', retryAfterMs: 320 } });
      for (const [place, end] of ends.entries())
        if (end.status === 'fulfilled')
          expect(end.value.equals(blob.content.subarray(place * 100, place * 100 + 100))).toBe(true);
      expect(lane.isUsable).toBe(true);
      expect(peer.openSockets.size).toBe(1);
      lane.close();
      expect(lane.isUsable).toBe(false);
    }
  });

  it.each([
    ['a body without a length', 'Retry-After-Ms: 300\r\n'],
    ['a body that is too long', 'Retry-After-Ms: 300\r\nContent-Length: 4097\r\n'],
    ['a body in chunks', 'Retry-After-Ms: 300\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n'],
    ['a connection that ends', 'Retry-After-Ms: 300\r\nContent-Length: 0\r\nConnection: close\r\n'],
    ['a time that is none', 'Retry-After-Ms: -3\r\nContent-Length: 0\r\n'],
    ['no time in milliseconds', 'Retry-After: 1\r\nContent-Length: 0\r\n'],
  ])('ends with a refusal that has %s', async (_what, fields) => {
    const { lane } = await laneTo((_request, socket) => socket.write(`HTTP/1.1 429 No\r\n${fields}\r\n`));
    const ends = await Promise.allSettled([0, 100].map((start) => readInto(lane, start, start + 100, [])));
    expect(ends).toMatchObject([{ reason: { code: 'peer_busy' } }, { reason: { code: 'peer_busy' } }]);
    expect(lane.isUsable).toBe(false);
  });

  it('does not take what comes behind the body of a refusal for an answer', async () => {
    const { lane } = await laneTo((_request, socket) =>
      socket.write('HTTP/1.1 429 No\r\nRetry-After-Ms: 300\r\nContent-Length: 2\r\n\r\nabc'),
    );
    await expect(readInto(lane, 0, 100, [])).rejects.toMatchObject({ code: 'bad_response' });
  });

  it('does not take a byte too many for the next answer', async () => {
    const { lane } = await laneTo(hostile.longBody);
    const reads = [0, 100].map((start) => readInto(lane, start, start + 100, []));
    const ends = await Promise.allSettled(reads);
    expect(ends.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'bad_response' } });
  });

  it('fails everything at once when it is closed', async () => {
    const { lane } = await laneTo(hostile.nothing);
    const reads = [0, 100].map((start) => readInto(lane, start, start + 100, []));
    lane.close();
    const ends = await Promise.allSettled(reads);
    expect(ends).toMatchObject([{ reason: { code: 'cancelled' } }, { reason: { code: 'cancelled' } }]);
  });
});

/** Answers everything that was asked ahead at once; a read ends when its last bytes have been taken, as on a mesh stream. */
function eagerSource(asked: number[]): PieceSource {
  const openLane = async (): Promise<Lane> => ({
    depth: 8,
    roundTripMs: 1000,
    async read({ start, end }, receive) {
      asked.push(start);
      const taken: (void | Promise<void>)[] = [];
      await nextTurn();
      for (let at = start; at < end; at += MiB) taken.push(receive(blob.content.subarray(at, Math.min(at + MiB, end))));
      await Promise.all(taken);
    },
    close() {},
  });
  return { id: 'eager', openLane, pieceHashes: async () => blob.pieces };
}

it('a piece that comes while the ones before it are on their way to the disk is asked for once', async () => {
  const asked: number[] = [];
  const sink = new MemoryPieceSink(blob.content.length);
  // Each piece waits a while at our own gate: reads end in their order, and long after their bytes came.
  const take = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
  };
  const sources = [eagerSource(asked)];
  const limits = { minRunBytes: MiB, maxRunBytes: MiB };
  const options = { blob: blob.blob, sink, sources, limits, gate: () => ({ take }) };
  const { receivedBytes } = await download(options, never());
  expect(sink.bytes.equals(blob.content)).toBe(true);
  expect(receivedBytes).toBe(blob.content.length);
  expect(asked.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5].map((index) => index * MiB));
});
