import { describe, expect, it } from 'vitest';
import { GiB, KiB, MiB, type NodeId } from '../core/index.ts';
import { nextTurn } from '../testkit/eventually.ts';
import { testBlob } from '../testkit/hostile-http-server.ts';
import { startHostileWsServer, type WsBehaviour } from '../testkit/hostile-ws-server.ts';
import { MemoryPieceSink } from '../testkit/memory-piece-sink.ts';
import { SeededBytes } from '../testkit/seeded-bytes.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { download } from './index.ts';
import type { Lane } from './ports.ts';
import { WsPieceSource, type WsPieceSourceOptions } from './ws-source.ts';

const blob = testBlob(new SeededBytes('ws source').next(3 * MiB + 17));
const never = (): AbortSignal => new AbortController().signal;

async function openLane(behaviour: WsBehaviour, options: Partial<WsPieceSourceOptions> & { isPublic?: boolean } = {}) {
  const { isPublic = false, ...more } = options;
  const server = await startHostileWsServer(blob, { behaviour, isPublic });
  const source = new WsPieceSource({ id: 'peer', baseUrl: server.url, blob: blob.blob, ...more });
  const lane = await source.openLane(never());
  const close = async (): Promise<void> => {
    lane.close();
    await server.close();
  };
  return { server, lane, [Symbol.asyncDispose]: close };
}

function first(lane: Lane, end = 100_000): Promise<void> {
  return lane.read({ start: 0, end }, () => {}, never());
}

describe('a WebSocket source', () => {
  it.each<[string, Partial<WsPieceSourceOptions>, boolean]>([
    ['ours, in frames', {}, false],
    ['ours, in JSON', { form: 'json' }, false],
    ['of other make', { speaks: 'public' }, true],
  ])('downloads a whole blob from a sender that is %s', async (_name, options, isPublic) => {
    await using server = await startHostileWsServer(blob, { isPublic });
    const ws = new WsPieceSource({ id: 'peer', baseUrl: server.url, blob: blob.blob, ...options });
    const source = { id: 'peer', openLane: ws.openLane.bind(ws), pieceHashes: async () => blob.pieces };
    const sink = new MemoryPieceSink(blob.content.length);
    await download({ blob: blob.blob, sink, sources: [source] }, never());
    expect(sink.bytes.equals(blob.content)).toBe(true);
  });

  it('cancels a sender that would go on to the end, and asks again on the same socket', async () => {
    await using test = await openLane((sending) => sending.sendAll(), { speaks: 'public', isPublic: true });
    const { server, lane } = test;
    for (const start of [0, MiB, 2 * MiB]) await lane.read({ start, end: start + 100 * KiB }, () => {}, never());
    expect(server.requests.map((request) => request.resume_from_byte)).toEqual([0, MiB, 2 * MiB]);
    expect(server.openSockets.size).toBe(1);
    while (server.words.filter(({ type }) => type === 'model_transfer_cancel').length < 3) await nextTurn();
  });

  it.each(['binary', 'json'] as const)('minds no %s chunk that comes again after its read is over', async (form) => {
    const senders: Parameters<WsBehaviour>[0][] = [];
    const behaviour: WsBehaviour = (sending) => {
      // Said again in front of the next answer: the acknowledgement was slower than the sender's patience.
      senders.at(-1)?.sendChunk(0);
      senders.push(sending);
      sending.sendAll();
    };
    await using test = await openLane(behaviour, { form });
    for (let round = 0; round < 3; round += 1) await first(test.lane, 60_000);
    expect(senders).toHaveLength(3);
  });

  it('tells a public sender at the end of the blob how much it got, and no verdict that it does not have', async () => {
    await using test = await openLane((sending) => sending.sendAll(), { speaks: 'public', isPublic: true });
    await test.lane.read({ start: 0, end: blob.content.length }, () => {}, never());
    while (!test.server.words.some(({ type }) => type === 'model_transfer_complete')) await nextTurn();
    expect(test.server.words.at(-1)).toMatchObject({
      total_bytes_received: blob.content.length,
      verification_status: 'pending',
    });
  });

  it('says nothing of ours to a peer that knows the public messages only', async () => {
    await using test = await openLane((sending) => sending.sendAll(), { speaks: 'public', isPublic: true });
    await first(test.lane);
    expect(Object.keys(test.server.requests[0] ?? {}).sort()).toEqual(
      'model_id request_id requester_node_id resume_from_byte target_node_id transport type'.split(' '),
    );
  });

  it('names whom it wants from a relay, and opens no lane before that has answered', async () => {
    const target = '12D3KooWTarget' as NodeId;
    await using test = await openLane((sending) => sending.sendAll(), { target });
    await first(test.lane);
    const about = { target_node_id: target, forms: ['binary'] };
    expect(test.server.requests).toMatchObject([
      { ...about, end_byte: 0 },
      { ...about, end_byte: 100_000 },
    ]);
  });

  it('is tier 1 unless told otherwise, and refuses TLS without credentials', () => {
    const about = { id: 'peer', blob: blob.blob };
    expect(new WsPieceSource({ ...about, baseUrl: 'ws://127.0.0.1:1' }).tier).toBe(1);
    for (const baseUrl of ['wss://127.0.0.1:1', 'ftp://127.0.0.1:1', 'ws://user@127.0.0.1', 'ws://127.0.0.1/?a=1'])
      expect(() => new WsPieceSource({ ...about, baseUrl })).toThrowError(expect.objectContaining({ code: 'refused' }));
  });
});

describe('peers that nobody wants', () => {
  it.each<[string, WsBehaviour, string]>([
    [
      'a size that is not the signed one',
      (peer) => peer.sendStart({ total_bytes: 2 * GiB, total_chunks: 8192 }),
      'bad_response',
    ],
    ['another digest', (peer) => peer.sendStart({ sha256: 'cd'.repeat(32) }), 'bad_response'],
    ['a start that contradicts itself', (peer) => peer.sendStart({ total_chunks: 7 }), 'bad_response'],
    ['chunks before the start', (peer) => peer.sendChunk(0), 'bad_response'],
    ['a second start', (peer) => [peer.sendStart(), peer.sendStart()], 'bad_response'],
    ['a chunk too short', (peer) => [peer.sendStart(), peer.sendChunk(0, Buffer.alloc(10))], 'bad_response'],
    ['the second chunk first', (peer) => [peer.sendStart(), peer.sendChunk(262_144)], 'bad_response'],
    ['a chunk past the end', (peer) => [peer.sendStart(), peer.sendChunk(4 * MiB, Buffer.alloc(10))], 'bad_response'],
    ['a chunk between two', (peer) => [peer.sendStart(), peer.sendChunk(100, Buffer.alloc(262_144))], 'bad_response'],
    ['words that are not JSON', ({ socket }) => socket.send('{'), 'bad_response'],
    ['frames of another kind', ({ socket }) => socket.send(Buffer.alloc(40, 9)), 'bad_response'],
    ['bytes of a request that nobody made', ({ socket }) => socket.send(Buffer.alloc(40, 1)), 'bad_response'],
    ['a message over the limit', ({ socket }) => socket.send(Buffer.alloc(MiB)), 'peer_unreachable'],
    ['a cancel for lost content', (peer) => peer.cancel('hash_mismatch'), 'not_held'],
    ['a cancel for a timeout', (peer) => peer.cancel('timeout'), 'peer_stalled'],
    ['a cancel of a full disk', (peer) => peer.cancel('storage_full'), 'peer_busy'],
    ['a cancel by its user', (peer) => peer.cancel('user_cancelled'), 'peer_busy'],
    [
      'a cancel of a relay without the target',
      (peer) => peer.cancel('network_error', { code: 'target_absent' }),
      'peer_unreachable',
    ],
    [
      'a cancel for a part it does not have yet',
      (peer) => peer.cancel('network_error', { code: 'not_held_yet' }),
      'not_held_yet',
    ],
    [
      'a cancel with a code of Object',
      (peer) => peer.cancel('network_error', { code: 'constructor' }),
      'peer_unreachable',
    ],
  ])('%s', async (_name, behaviour, code) => {
    await using test = await openLane(behaviour);
    await expect(first(test.lane)).rejects.toMatchObject({ code });
    while (test.server.openSockets.size > 0) await nextTurn();
  });

  it('a JSON chunk that is not what its own digest says is a bad piece', async () => {
    await using test = await openLane(
      (peer) => {
        peer.sendStart();
        const { request_id, model_id, start } = { ...peer.request, start: peer.start };
        const about = { type: 'model_transfer_chunk', request_id, model_id, chunk_index: 0 };
        const chunk_bytes = Buffer.alloc(65_536).toString('base64');
        const chunk = { ...about, total_chunks: start.total_chunks, chunk_bytes, chunk_sha256: blob.blob.sha256 };
        peer.socket.send(JSON.stringify(chunk));
      },
      { form: 'json' },
    );
    await expect(first(test.lane)).rejects.toMatchObject({ code: 'bad_piece' });
  });

  it('a chunk that comes twice is acknowledged again and passed on once', async () => {
    let received = 0;
    await using test = await openLane((peer) => {
      peer.sendStart();
      for (const offset of [0, 0, 262_144]) peer.sendChunk(offset);
    });
    const count = (bytes: Buffer): void => {
      received += bytes.length;
    };
    await test.lane.read({ start: 0, end: 400_000 }, count, never());
    expect(received).toBe(400_000);
    const acknowledged = () => test.server.words.flatMap(({ offset }) => (offset === undefined ? [] : [offset]));
    while (acknowledged().length < 3) await nextTurn();
    expect(acknowledged()).toEqual([262_144, 262_144, 524_288]);
  });

  it('one that ignores the cancel and sends on for ever is cut', async () => {
    await using test = await openLane(
      (peer) => {
        peer.sendStart();
        const sendOn = (): void => {
          for (let offset = 0; offset < 3 * MiB; offset += 65_536) peer.sendChunk(offset);
          if (peer.socket.readyState === peer.socket.OPEN) setImmediate(sendOn);
        };
        sendOn();
      },
      { speaks: 'public', isPublic: true },
    );
    await first(test.lane);
    while (test.server.openSockets.size > 0) await nextTurn();
    await expect(first(test.lane)).rejects.toMatchObject({ code: 'bad_response' });
  });

  it('silence of 30 seconds is a stall, but not while our own disk is slow', async () => {
    const clock = new VirtualClock();
    const started = Promise.withResolvers<void>();
    const letGo = Promise.withResolvers<void>();
    await using test = await openLane(
      (peer) => {
        peer.sendStart();
        peer.sendChunk(0);
        started.resolve();
      },
      { clock },
    );
    const arrived = Promise.withResolvers<void>();
    const receive = (): Promise<void> => {
      arrived.resolve();
      return letGo.promise;
    };
    const reading = test.lane.read({ start: 0, end: MiB }, receive, never());
    const failed = expect(reading).rejects.toMatchObject({ code: 'peer_stalled' });
    await Promise.all([started.promise, arrived.promise]);
    await clock.advance(100_000);
    expect(test.server.openSockets.size).toBe(1);
    letGo.resolve();
    await clock.advance(61_000);
    await failed;
  });

  it('an HTTP server without WebSockets there is told by its status', async () => {
    const { createServer } = await import('node:http');
    const server = createServer((_request, response) => response.writeHead(503, { 'retry-after': '3' }).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const source = new WsPieceSource({ id: 'peer', baseUrl: `http://127.0.0.1:${port}`, blob: blob.blob });
    await expect(source.openLane(never())).rejects.toMatchObject({ code: 'peer_busy', retryAfterMs: 3000 });
    server.close();
  });
});
