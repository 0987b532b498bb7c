import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { MiB } from '../core/index.ts';
import * as hostile from '../testkit/hostile-http-server.ts';
import { MemoryPieceSink } from '../testkit/memory-piece-sink.ts';
import { TransferError } from './errors.ts';
import { Download, download, HttpPieceSource, type PieceNews, type PieceSource, type TransferLimits } from './index.ts';

const blob = hostile.testBlob(randomBytes(24 * MiB + 5));
const servers: hostile.HostileHttpServer[] = [];
const never = (): AbortSignal => new AbortController().signal;
const FAST: Partial<TransferLimits> = { stallMs: 300, tickMs: 20, backOffMs: 5, maxFailuresInRow: 2, outageMs: 100 };

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(behaviour?: hostile.Behaviour): Promise<hostile.HostileHttpServer> {
  const server = await hostile.startHostileHttpServer(blob, behaviour === undefined ? {} : { behaviour });
  servers.push(server);
  return server;
}

type Follow = NonNullable<PieceSource['followPieces']>;

/** A peer over HTTP whose news the test tells. */
function followed(server: hostile.HostileHttpServer, id: string, followPieces: Follow): PieceSource {
  const http = new HttpPieceSource({ id, baseUrl: server.url, blob: blob.blob });
  return {
    id,
    openLane: (signal) => http.openLane(signal),
    pieceHashes: (sizeBytes, signal) => http.pieceHashes(sizeBytes, signal),
    followPieces,
  };
}

function telling(...news: readonly PieceNews[]): Follow {
  return (tell, signal) => {
    for (const each of news) tell(each);
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  };
}

function bitsOf(...indexes: readonly number[]): Uint8Array {
  const bits = new Uint8Array(4);
  for (const index of indexes) bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7));
  return bits;
}

const evens = Array.from({ length: 13 }, (_, index) => index * 2);
const odds = Array.from({ length: 12 }, (_, index) => index * 2 + 1);

describe('download() from peers that hold parts', () => {
  it('takes one up again that had stopped to fetch the blob and has begun anew', async () => {
    const [part, seeder] = [await serve(), await serve()];
    let isThere = true;
    const leaving: Follow = (tell) => {
      if (!isThere) return Promise.reject(new TransferError('not_held', 'no such blob here'));
      isThere = false;
      tell({ news: 'holds', bits: bitsOf(0) });
      return Promise.reject(new TransferError('peer_unreachable', 'the news ended'));
    };
    // It holds all but the last piece, so that nothing ends before the other is back.
    const most = telling({ news: 'holds', bits: bitsOf(...Array.from({ length: 24 }, (_, index) => index)) });
    const sink = new MemoryPieceSink(blob.content.length);
    const sources = [followed(part, 'part', leaving), followed(seeder, 'most', most)];
    const running = new Download({
      blob: blob.blob,
      sink,
      sources,
      limits: { ...FAST, stallMs: 10_000, outageMs: 20_000 },
    });
    const lost = new Promise<void>((resolve) => {
      running.on((event) => event.on === 'source_failed' && event.code === 'not_held' && resolve());
    });
    const end = running.run(never());
    await lost;
    running.addSource(followed(part, 'part', telling({ news: 'holds', bits: bitsOf(24) })));
    const { sources: outcomes } = await end;
    expect(sink.bytes.equals(blob.content)).toBe(true);
    expect(outcomes.find(({ id }) => id === 'part')).toMatchObject({
      pieces: expect.any(Number),
      failures: ['not_held'],
    });
    expect(outcomes.map(({ id }) => id)).toEqual(['part', 'most']);
  });

  it('asks each for what it holds, a piece at a time', async () => {
    const [one, other] = [await serve(), await serve()];
    const sink = new MemoryPieceSink(blob.content.length);
    const sources = [
      followed(one, 'evens', telling({ news: 'holds', bits: bitsOf(...evens) })),
      followed(other, 'odds', telling({ news: 'holds', bits: bitsOf(...odds) })),
    ];
    const result = await download({ blob: blob.blob, sink, sources, limits: FAST }, never());
    expect(sink.bytes.equals(blob.content)).toBe(true);
    expect(result.sources.map(({ pieces }) => pieces)).toEqual([13, 12]);
    expect(one.requests.every(({ start }) => (start / MiB) % 2 === 0)).toBe(true);
    expect(other.requests.every(({ start }) => (start / MiB) % 2 === 1)).toBe(true);
  });

  it('waits for what nobody holds yet, and gets it when it is there', async () => {
    const server = await serve();
    const sink = new MemoryPieceSink(blob.content.length);
    const gains = Promise.withResolvers<void>();
    const follow: Follow = async (tell, signal) => {
      tell({ news: 'holds', bits: bitsOf(...evens) });
      await gains.promise;
      tell({ news: 'gained', indexes: odds });
      await telling()(tell, signal);
    };
    const session = new Download({ blob: blob.blob, sink, sources: [followed(server, 'a', follow)] });
    session.on((event) => {
      if (event.on === 'piece' && sink.committed.length === evens.length) gains.resolve();
    });
    await session.run(never());
    expect(sink.bytes.equals(blob.content)).toBe(true);
    expect(sink.committed.slice(0, 13).sort((a, b) => a - b)).toEqual(evens);
    expect([...session.heldBits()]).toEqual([0xff, 0xff, 0xff, 0x80]);
  });

  it.each([
    ['a piece that there is not', { news: 'gained', indexes: [25] }],
    ['a piece below the first', { news: 'sent', indexes: [-1] }],
    ['bits of another length', { news: 'holds', bits: new Uint8Array(5) }],
  ] as const)('drops a peer whose news name %s', async (_, news) => {
    const server = await serve();
    const sink = new MemoryPieceSink(blob.content.length);
    const sources = [followed(server, 'liar', telling(news))];
    const options = { blob: blob.blob, sink, sources, limits: FAST, pieceHashes: blob.pieces };
    await expect(download(options, never())).rejects.toMatchObject({ code: 'bad_response' });
    expect(server.requests).toEqual([]);
  });

  it('follows again after a pause when the news break, and stops at the end', async () => {
    const server = await serve();
    const sink = new MemoryPieceSink(blob.content.length);
    const follows: AbortSignal[] = [];
    const follow: Follow = async (tell, signal) => {
      follows.push(signal);
      if (follows.length < 3) throw new TransferError('peer_unreachable', 'gone');
      tell({ news: 'holds_all' });
      await telling()(tell, signal);
    };
    const sources = [followed(server, 'a', follow)];
    await download({ blob: blob.blob, sink, sources, limits: FAST }, never());
    expect(follows).toHaveLength(3);
    expect(follows.every((signal) => signal.aborted)).toBe(true);
  });
});

describe('download() through a gate', () => {
  it('takes no more of a peer than is let through, and does not blame it for the silence', async () => {
    const server = await serve();
    const sink = new MemoryPieceSink(blob.content.length);
    const opened = Promise.withResolvers<void>();
    let asked = 0;
    const gate = {
      take: (count: number): Promise<void> => {
        asked += count;
        return opened.promise;
      },
    };
    const source = new HttpPieceSource({ id: 'a', baseUrl: server.url, blob: blob.blob });
    const session = new Download({ blob: blob.blob, sink, sources: [source], gate: () => gate, limits: FAST });
    let ticks = 0;
    session.on((event) => {
      if (event.on === 'progress' && asked > 0) ticks += 1;
      // Twice the stall time.
      if (ticks === 30) opened.resolve();
    });
    const { sources } = await session.run(never());
    expect(sources[0]?.failures).toEqual([]);
    expect(asked).toBe(blob.content.length);
    expect(sink.bytes.equals(blob.content)).toBe(true);
  });

  it('holds a few buffers and no more while it is shut, and ends by a cancel', async () => {
    const server = await serve();
    const sink = new MemoryPieceSink(blob.content.length);
    const stop = new AbortController();
    let asked = 0;
    const gate = {
      take: (count: number, signal?: AbortSignal): Promise<void> => {
        asked += count;
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('stopped'))));
      },
    };
    const source = new HttpPieceSource({ id: 'a', baseUrl: server.url, blob: blob.blob });
    const session = new Download({ blob: blob.blob, sink, sources: [source], gate: () => gate, limits: FAST });
    let ticks = 0;
    session.on((event) => {
      if (event.on === 'progress' && asked > 0) ticks += 1;
      if (ticks === 20) stop.abort();
    });
    await expect(session.run(stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
    expect(asked).toBeLessThanOrEqual(2 * MiB);
  });
});

describe('download() over an outage', () => {
  it('goes on by itself when the network is back', async () => {
    const first = await serve(hostile.slowBody(60 * MiB));
    const port = Number(new URL(first.url).port);
    const source = new HttpPieceSource({ id: 'a', baseUrl: first.url, blob: blob.blob });
    const sink = new MemoryPieceSink(blob.content.length);
    const limits = { ...FAST, outageMs: 600_000, maxBackOffMs: 100 };
    const session = new Download({ blob: blob.blob, sink, sources: [source], limits });
    let failures = 0;
    session.on((event) => {
      if (event.on === 'piece' && sink.committed.length === 5) void first.close();
      if (event.on === 'source_failed') failures += 1;
      // Many more than the failures that end a source which never gave anything.
      if (event.on === 'source_failed' && failures === 8)
        void hostile.startHostileHttpServer(blob, { port }).then((again) => servers.push(again));
    });
    await session.run(never());
    expect(sink.bytes.equals(blob.content)).toBe(true);
  });
});
