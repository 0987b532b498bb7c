import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { Bitfield } from '../content/index.ts';
import { KiB, MiB, parsePieceRoot, parseSha256 } from '../core/index.ts';
import * as hostile from '../testkit/hostile-http-server.ts';
import { MemoryPieceSink } from '../testkit/memory-piece-sink.ts';
import { Download, download, HttpPieceSource, type PieceSource, type TransferLimits } from './index.ts';
import { TRANSFER_LIMITS } from './limits.ts';

const small = hostile.testBlob(randomBytes(3 * MiB + 777));
const large = hostile.testBlob(randomBytes(24 * MiB + 5));
const servers: hostile.HostileHttpServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(blob: hostile.TestBlob, behaviour?: hostile.Behaviour): Promise<hostile.HostileHttpServer> {
  const server = await hostile.startHostileHttpServer(blob, behaviour === undefined ? {} : { behaviour });
  servers.push(server);
  return server;
}

function sourceOf(server: hostile.HostileHttpServer, blob: hostile.TestBlob, id = 'peer', lanes = 1): PieceSource {
  return new HttpPieceSource({ id, baseUrl: server.url, blob: blob.blob, lanes });
}

/** These servers tell nobody how many others ask them: nothing is won by waiting for it. */
const PROMPT: Partial<TransferLimits> = { tickMs: 20, companyWaitMs: 0 };
const FAST: Partial<TransferLimits> = {
  ...PROMPT,
  stallMs: 300,
  backOffMs: 5,
  maxFailuresInRow: 2,
  outageMs: 100,
  minRunBytes: 2 * MiB,
};

function never(): AbortSignal {
  return new AbortController().signal;
}

async function noSocketsLeft(): Promise<void> {
  const open = servers.flatMap((server) => [...server.openSockets]);
  await Promise.all(open.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
}

describe('download() from one peer', () => {
  it.each([
    ['a small blob, hashed here', small],
    ['a large one, hashed in a worker', large],
    ['a single byte', hostile.testBlob(Buffer.from('x'))],
    ['exactly one piece', hostile.testBlob(randomBytes(MiB))],
    ['nothing at all', hostile.testBlob(Buffer.alloc(0))],
  ])('gets %s', async (_, blob) => {
    const server = await serve(blob);
    const sink = new MemoryPieceSink(blob.content.length);
    const result = await download(
      { blob: blob.blob, sink, sources: [sourceOf(server, blob)], limits: PROMPT },
      never(),
    );
    expect(result.done).toBe('finished');
    expect(sink.bytes.equals(blob.content)).toBe(true);
    expect(sink.committed.length).toBe(Math.ceil(blob.content.length / MiB));
    expect(result.receivedBytes).toBe(blob.content.length);
    await noSocketsLeft();
  });

  it('reports states in order, pieces, and what the peer did', async () => {
    const server = await serve(small);
    const sink = new MemoryPieceSink(small.content.length);
    const session = new Download({ blob: small.blob, sink, sources: [sourceOf(server, small)], limits: PROMPT });
    const states: string[] = [];
    const pieces: number[] = [];
    session.on((event) => {
      if (event.on === 'state') states.push(event.state);
      if (event.on === 'piece') pieces.push(event.index);
    });
    const { sources } = await session.run(never());
    expect(states).toEqual(['downloading', 'verifying', 'completed']);
    expect(pieces).toEqual([0, 1, 2, 3]);
    expect(sources).toMatchObject([
      { id: 'peer', bytes: small.content.length, pieces: 4, failures: [], isCorrupt: false },
    ]);
    expect(sources[0]?.firstByteMs).toBeGreaterThan(0);
    expect(session.progress()).toMatchObject({ state: 'completed', verifiedBytes: small.content.length });
  });

  it('asks with range, etag and authorization, and for the list once', async () => {
    const server = await serve(small);
    const sink = new MemoryPieceSink(small.content.length);
    const authorization = (): string => 'Bearer secret';
    const source = new HttpPieceSource({ id: 'a', baseUrl: `${server.url}/under/`, blob: small.blob, authorization });
    await download({ blob: small.blob, sink, sources: [source], limits: PROMPT }, never());
    expect(server.requests).toHaveLength(1);
    const { path, fields } = server.requests[0] ?? { path: '', fields: new Map() };
    expect(path).toBe(`/under/v1/blobs/${small.blob.sha256}`);
    expect(fields.get('range')).toBe(`bytes=0-${small.content.length - 1}`);
    expect(fields.get('if-match')).toBe(`"${small.blob.sha256}"`);
    expect(fields.get('authorization')).toBe('Bearer secret');
  });
});

describe('download() from a peer that misbehaves', () => {
  it.each([
    ['wrong bytes', hostile.wrongBytes, 'bad_piece'],
    ['a short body', hostile.shortBody, 'peer_unreachable'],
    ['a long body', hostile.longBody, 'bad_response'],
    ['an endless body of other bytes', hostile.endlessBody, 'bad_piece'],
    ['an endless head', hostile.endlessHead, 'bad_response'],
    ['half a head', hostile.silentHead, 'peer_stalled'],
    ['half a body', hostile.silentBody, 'peer_stalled'],
    ['nothing', hostile.nothing, 'peer_stalled'],
    ['a drip of bytes', hostile.slowBody(50), 'peer_stalled'],
    ['a closed connection', hostile.closesAtOnce, 'peer_unreachable'],
    ['200 with the whole', hostile.wholeBlob, 'bad_response'],
    ['another range', hostile.otherRange, 'bad_response'],
    ['another length', hostile.wrongLength, 'bad_response'],
    ['chunks', hostile.chunkedBody, 'bad_response'],
    ['404', hostile.answering(404), 'not_held'],
    ['412', hostile.answering(412), 'not_held'],
    ['416', hostile.answering(416), 'not_held'],
    ['403', hostile.answering(403), 'refused'],
    ['302', hostile.answering(302, 'Location: http://127.0.0.1/\r\n'), 'bad_response'],
    ['429', hostile.answering(429), 'peer_busy'],
    ['503', hostile.answering(503, 'Retry-After: 0\r\n'), 'peer_busy'],
  ] as const)(
    'fails with its reason on %s, and gets everything from the good peer beside it',
    async (_, behaviour, code) => {
      const bad = await serve(small, behaviour);
      const alone = new MemoryPieceSink(small.content.length);
      const options = { blob: small.blob, limits: FAST };
      await expect(
        download({ ...options, sink: alone, sources: [sourceOf(bad, small)] }, never()),
      ).rejects.toMatchObject({
        // A reason that a retry may cure is told as `no_sources`; any other by its own name.
        code: code.startsWith('peer_') ? 'no_sources' : code,
        data: { peers: [{ id: 'peer', code }] },
      });
      expect(alone.state).toBe('closed');

      const good = await serve(small);
      const sink = new MemoryPieceSink(small.content.length);
      const sources = [sourceOf(bad, small, 'bad'), sourceOf(good, small, 'good')];
      const result = await download({ ...options, sink, sources }, never());
      expect(sink.bytes.equals(small.content)).toBe(true);
      expect(result.sources[1]?.failures).toEqual([]);
      await noSocketsLeft();
    },
  );

  it('never asks a peer again that sent a bad piece', async () => {
    const bad = await serve(large, hostile.wrongBytes);
    const good = await serve(large, hostile.slowBody(40 * MiB));
    const sink = new MemoryPieceSink(large.content.length);
    const sources = [sourceOf(bad, large, 'bad', 2), sourceOf(good, large, 'good')];
    const result = await download({ blob: large.blob, sink, sources, limits: FAST }, never());
    expect(bad.requests.length).toBeLessThanOrEqual(2);
    expect(result.sources[0]).toMatchObject({ id: 'bad', isCorrupt: true });
    expect(sink.bytes.equals(large.content)).toBe(true);
  });

  it('keeps good pieces of a peer whose later piece is bad, and rolls the whole digest back', async () => {
    const lateLie: hostile.Behaviour = (request, socket, blob) => {
      const body = Buffer.from(blob.content.subarray(request.start, request.end));
      body[body.length - 1] = (body.at(-1) ?? 0) ^ 0xff;
      socket.write(hostile.rangeHead(request, blob));
      socket.write(body);
    };
    const bad = await serve(large, lateLie);
    const sink = new MemoryPieceSink(large.content.length);
    const session = new Download({ blob: large.blob, sink, sources: [sourceOf(bad, large, 'bad')], limits: FAST });
    const good = await serve(large);
    session.on((event) => {
      if (event.on === 'piece' && event.index === 0) session.addSource(sourceOf(good, large, 'good'));
    });
    const result = await session.run(never());
    expect(sink.bytes.equals(large.content)).toBe(true);
    expect(result.sources[0]?.pieces).toBeGreaterThan(0);
    expect(result.sources[0]?.isCorrupt).toBe(true);
  });

  it('drops a peer whose piece list is not the signed one', async () => {
    const liar = await serve(small);
    liar.lieAboutPieces(randomBytes(small.pieces.length));
    const good = await serve(small);
    const sink = new MemoryPieceSink(small.content.length);
    const sources = [sourceOf(liar, small, 'liar'), sourceOf(good, small, 'good')];
    const result = await download({ blob: small.blob, sink, sources, limits: FAST }, never());
    expect(liar.requests).toHaveLength(0);
    expect(result.sources[0]).toMatchObject({ isCorrupt: true, bytes: 0 });
  });

  it('goes on with a peer that was busy at first', async () => {
    const server = await serve(small, (request, socket, blob) =>
      (request.count === 0 ? hostile.answering(503) : hostile.honest)(request, socket, blob),
    );
    const sink = new MemoryPieceSink(small.content.length);
    const result = await download(
      { blob: small.blob, sink, sources: [sourceOf(server, small)], limits: FAST },
      never(),
    );
    expect(result.sources[0]?.failures).toEqual(['peer_busy']);
  });
});

describe('download() from several peers', () => {
  it('uses them all', async () => {
    const peers = await Promise.all([
      serve(large, hostile.slowBody(60 * MiB)),
      serve(large, hostile.slowBody(60 * MiB)),
    ]);
    const sink = new MemoryPieceSink(large.content.length);
    const sources = peers.map((server, index) => sourceOf(server, large, `peer ${index}`));
    const { companyWaitMs } = TRANSFER_LIMITS;
    const result = await download({ blob: large.blob, sink, sources, limits: { ...FAST, companyWaitMs } }, never());
    expect(sink.bytes.equals(large.content)).toBe(true);
    for (const source of result.sources) expect(source.bytes).toBeGreaterThan(4 * MiB);
  });

  it('is not held up by one that is far slower', async () => {
    const slow = await serve(large, hostile.slowBody(200 * KiB));
    const good = await serve(large, hostile.slowBody(60 * MiB));
    const sink = new MemoryPieceSink(large.content.length);
    const sources = [sourceOf(slow, large, 'slow'), sourceOf(good, large, 'good')];
    const result = await download({ blob: large.blob, sink, sources, limits: FAST }, never());
    expect(sink.bytes.equals(large.content)).toBe(true);
    expect(result.sources[1]?.bytes).toBeGreaterThan(20 * MiB);
  });

  it('goes on when one dies half-way', async () => {
    const mortal = await serve(large, hostile.slowBody(60 * MiB));
    const good = await serve(large, hostile.slowBody(60 * MiB));
    const sink = new MemoryPieceSink(large.content.length);
    const sources = [sourceOf(mortal, large, 'mortal'), sourceOf(good, large, 'good')];
    const session = new Download({ blob: large.blob, sink, sources, limits: FAST });
    session.on((event) => {
      if (event.on === 'piece' && sink.committed.length === 5) void mortal.close();
    });
    await session.run(never());
    expect(sink.bytes.equals(large.content)).toBe(true);
  });
});

describe('download() that goes on', () => {
  const heldBits = new Bitfield(25);
  for (let index = 0; index < 12; index += 1) heldBits.add(index);

  it('asks only for what is not held, and still hashes all of it', async () => {
    const server = await serve(large);
    const sink = new MemoryPieceSink(0, { pieces: heldBits.toBytes(), bytes: partOf(large, 12) });
    const { sources, receivedBytes } = await download(
      { blob: large.blob, sink, sources: [sourceOf(server, large)], limits: PROMPT },
      never(),
    );
    expect(server.requests[0]?.start).toBe(12 * MiB);
    expect(receivedBytes).toBe(large.content.length - 12 * MiB);
    expect(sources[0]?.pieces).toBe(13);
    expect(sink.bytes.equals(large.content)).toBe(true);
  });

  it('needs no peer when everything is held and the piece list is kept', async () => {
    const all = new Bitfield(25);
    for (let index = 0; index < 25; index += 1) all.add(index);
    const sink = new MemoryPieceSink(0, { pieces: all.toBytes(), bytes: Buffer.from(large.content) });
    const result = await download({ blob: large.blob, sink, sources: [], pieceHashes: large.pieces }, never());
    expect(result).toMatchObject({ done: 'finished', receivedBytes: 0 });
  });

  it('checks pieces that are not sure, and gets the wrong ones anew', async () => {
    const server = await serve(large);
    const bytes = partOf(large, 12);
    bytes[3 * MiB] = (bytes[3 * MiB] ?? 0) ^ 1;
    const sink = new MemoryPieceSink(0, { pieces: heldBits.toBytes(), bytes, unsure: true });
    const result = await download(
      { blob: large.blob, sink, sources: [sourceOf(server, large)], limits: PROMPT },
      never(),
    );
    expect(sink.revoked).toEqual([3]);
    expect(sink.bytes.equals(large.content)).toBe(true);
    expect(result.sources[0]?.pieces).toBe(14);
  });

  it('ends as digest_mismatch, part deleted, signers named, when all pieces fit but the whole does not', async () => {
    const lied = { ...small.blob, sha256: parseSha256('ab'.repeat(32)), signers: ['12D3KooWliar'] };
    const server = await serve(small);
    const sink = new MemoryPieceSink(small.content.length);
    const source = new HttpPieceSource({ id: 'peer', baseUrl: server.url, blob: small.blob });
    await expect(download({ blob: lied, sink, sources: [source], limits: PROMPT }, never())).rejects.toMatchObject({
      code: 'digest_mismatch',
      kind: 'integrity',
      data: { signers: ['12D3KooWliar'], computed: small.blob.sha256 },
    });
    expect(sink.state).toBe('discarded');
  });

  it('fails with the reason all gave, part kept, when nobody has the piece list of this root', async () => {
    const server = await serve(small);
    const blob = { ...small.blob, pieceRoot: parsePieceRoot('cd'.repeat(32)) };
    const sink = new MemoryPieceSink(small.content.length);
    await expect(
      download({ blob, sink, sources: [sourceOf(server, small)], limits: FAST }, never()),
    ).rejects.toMatchObject({ code: 'bad_piece', data: { peers: [{ code: 'bad_piece' }] } });
    expect(sink.state).toBe('closed');
  });
});

describe('download() that is stopped', () => {
  it('ends by a cancel while its peer goes on sending, keeps the part and leaves no socket', async () => {
    const server = await serve(large, hostile.slowBody(10 * MiB));
    const sink = new MemoryPieceSink(large.content.length);
    const stop = new AbortController();
    const session = new Download({ blob: large.blob, sink, sources: [sourceOf(server, large)], limits: PROMPT });
    session.on((event) => {
      if (event.on === 'piece') stop.abort();
    });
    await expect(session.run(stop.signal)).rejects.toMatchObject({ code: 'cancelled', kind: 'cancelled' });
    expect(sink.state).toBe('closed');
    expect(sink.committed.length).toBeGreaterThan(0);
    expect(sink.committed.length).toBeLessThan(12);
    await noSocketsLeft();
  });

  it('does nothing when it was cancelled before', async () => {
    const server = await serve(small);
    const sink = new MemoryPieceSink(small.content.length);
    const options = { blob: small.blob, sink, sources: [sourceOf(server, small)] };
    await expect(download(options, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    expect(server.requests).toEqual([]);
  });

  it('ends with what the sink threw when the disk is full, and blames no peer', async () => {
    const server = await serve(large);
    const sink = new MemoryPieceSink(large.content.length);
    sink.writeError = new Error('disk full');
    const session = new Download({ blob: large.blob, sink, sources: [sourceOf(server, large)], limits: PROMPT });
    await expect(session.run(never())).rejects.toThrow('disk full');
    expect(session.progress().sources[0]?.failures).toEqual([]);
    expect(sink.state).toBe('closed');
    await noSocketsLeft();
  });
});

function partOf(blob: hostile.TestBlob, pieces: number): Buffer {
  const bytes = Buffer.alloc(blob.content.length);
  blob.content.copy(bytes, 0, 0, pieces * MiB);
  return bytes;
}
