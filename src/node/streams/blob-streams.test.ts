/** Blobs over real libp2p. Spec: docs/spec/10-transfer.md §9. */
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { MiB, silentLogger } from '../../core/index.ts';
import type { Libp2pTransport } from '../../mesh/libp2p/libp2p-transport.ts';
import { MemoryByteStream } from '../../mesh/memory-stream.ts';
import { eventually, nextTurn } from '../../testkit/eventually.ts';
import { testBlob } from '../../testkit/hostile-http-server.ts';
import { frameOf } from '../../testkit/hostile-stream-peer.ts';
import { contentOf, joinByRelay, joinNodes, serveOn, sourceOn, startLibp2pNode } from '../../testkit/libp2p-nodes.ts';
import { type PieceNews, StreamPieceSource } from '../../transfer/index.ts';
import { type SourceHarness, testPieceSource } from '../../transfer/source.conformance.ts';
import { NODE_LIMITS } from '../limits.ts';
import { BlobStreams } from './blob-streams.ts';

const open: Libp2pTransport[] = [];
let started = 0;
const blob = testBlob(randomBytes(5 * MiB + 3));
const { sha256, sizeBytes, pieceBytes } = blob.blob;
const facts = { sha256, sizeBytes, pieceBytes };
const never = (): AbortSignal => new AbortController().signal;

async function start(relayServer = false): Promise<Libp2pTransport> {
  started += 1;
  const transport = await startLibp2pNode(`node ${started}`, relayServer);
  open.push(transport);
  return transport;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.stop()));
});

/** A harness over however the two nodes are joined. */
function harnessOver(joined: (asker: Libp2pTransport, holder: Libp2pTransport) => Promise<void>): SourceHarness {
  return {
    can: ['honest', 'absent'],
    async serve(served, behaviour) {
      const [asker, holder] = [await start(), await start()];
      const streams = serveOn(holder, contentOf(behaviour === 'absent' ? blob : served));
      await joined(asker, holder);
      return {
        source: sourceOn(asker, holder.nodeId, served),
        openConnections: () => streams.openStreams,
        close: () => holder.stop(),
      };
    },
  };
}

describe('a mesh stream over libp2p', () => testPieceSource(harnessOver(joinNodes)));

describe('a mesh stream through a circuit relay', () =>
  testPieceSource(harnessOver(async (asker, holder) => joinByRelay(asker, holder, await start(true)))));

test('a peer that was relayed is direct once it is connected to directly', async () => {
  const [asker, holder, relay] = [await start(), await start(), await start(true)];
  serveOn(holder, contentOf(blob));
  await joinByRelay(asker, holder, relay);
  expect(asker.isDirect(holder.nodeId)).toBe(false);
  await relay.stop();
  await eventually(nextTurn, () => !asker.peers().includes(holder.nodeId));
  await joinNodes(asker, holder);
  expect(asker.isDirect(holder.nodeId)).toBe(true);
});

describe('BlobStreams', () => {
  const server = (): BlobStreams =>
    new BlobStreams({ content: contentOf(blob), roleOf: () => 'member', logger: silentLogger });

  /** What a raw peer hears, and when the stream has ended. */
  function connectTo(streams: BlobStreams) {
    const [here, there] = MemoryByteStream.pair(() => nextTurn());
    const heard: Buffer[] = [];
    const { promise: ended, resolve } = Promise.withResolvers<Error | undefined>();
    here.receive({ bytes: (chunk) => heard.push(Buffer.from(chunk)), ended: resolve });
    const served = streams.serve('peer' as never, there);
    return { here, heard, ended, served };
  }

  const question = (start: number, end: number, sha256: string = blob.blob.sha256): Buffer =>
    frameOf({ want: 'bytes', sha256, start, end });

  test.each([
    ['a range beyond the blob', question(5 * MiB, 5 * MiB + 4)],
    ['a range above 1 MiB', question(0, MiB + 1)],
    ['a name that is no digest', question(0, 1, '../etc/passwd')],
    ['a frame of endless length', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['what is not JSON', Buffer.from([0, 0, 0, 1, 0x7b])],
  ])('a peer that asks for %s is cut off', async (_, bytes) => {
    const streams = server();
    const { here, ended, served } = connectTo(streams);
    await here.send(bytes);
    expect(await ended).toBeInstanceOf(Error);
    await served;
    expect(streams.openStreams).toBe(0);
  });

  test('a peer that asks and asks, and takes nothing, is cut off', async () => {
    const [here, there] = MemoryByteStream.pair(() => nextTurn());
    there.send = () => new Promise(() => {});
    const ended = Promise.withResolvers<Error | undefined>();
    here.receive({ bytes: () => {}, ended: ended.resolve });
    void server().serve('peer' as never, there);
    const questions = Array.from({ length: NODE_LIMITS.blobQuestionsWaiting + 3 }, () => question(0, MiB));
    await here.send(Buffer.concat(questions));
    expect(await ended.promise).toBeInstanceOf(Error);
  });

  test('one stream too many of a peer hears that it has to wait', async () => {
    const streams = server();
    const held = Array.from({ length: NODE_LIMITS.blobStreamsPerPeer }, () => connectTo(streams));
    const openStream = async () => connectStream(streams);
    const source = new StreamPieceSource({ id: 'peer', blob: blob.blob, openStream });
    const lane = await source.openLane(never());
    const read = lane.read({ start: 0, end: 10 }, () => {}, never());
    await expect(read).rejects.toMatchObject({ code: 'peer_busy', retryAfterMs: 1000 });
    for (const { here } of held) here.abort(new Error('enough'));
    await Promise.all(held.map(({ served }) => served));
    const again = await source.openLane(never());
    await again.read({ start: 0, end: 10 }, () => {}, never());
  });

  test('bytes that are not here yet are told apart from those that never will be', async () => {
    const notYet = Object.assign(new Error('not yet'), { code: 'not_held_yet' });
    const content = contentOf(blob);
    const openBlob = async () => ({
      sizeBytes: blob.content.length,
      read: () => Promise.reject(notYet),
      close: async () => {},
    });
    const streams = new BlobStreams({
      content: { ...content, openBlob },
      roleOf: () => 'member',
      logger: silentLogger,
    });
    const source = new StreamPieceSource({
      id: 'peer',
      blob: blob.blob,
      openStream: async () => connectStream(streams),
    });
    const lane = await source.openLane(never());
    await expect(lane.read({ start: 0, end: 10 }, () => {}, never())).rejects.toMatchObject({ code: 'not_held_yet' });
  });

  test('the gate of the peer holds up what is sent to it', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked: number[] = [];
    const received: number[] = [];
    const take = (count: number): Promise<void> => {
      asked.push(count);
      return promise;
    };
    const more = { roleOf: () => 'member', gateFor: () => ({ take }), logger: silentLogger };
    const streams = new BlobStreams({ content: contentOf(blob), ...more });
    const openStream = async () => connectStream(streams);
    const source = new StreamPieceSource({ id: 'peer', blob: blob.blob, openStream });
    const lane = await source.openLane(never());
    const reading = lane.read({ start: 0, end: 100 }, (bytes) => void received.push(bytes.length), never());
    await eventually(nextTurn, () => asked.length > 0);
    expect([asked, received]).toEqual([[100], []]);
    resolve();
    await reading;
    expect(received).toEqual([100]);
  });

  test('a follower hears what is held, what comes, what goes, and when all of it is there', async () => {
    let held: 'all' | Uint8Array = Uint8Array.of(0b1010_0000);
    let onChange = (): void => {};
    const holding = {
      ...facts,
      pieceRoot: blob.blob.pieceRoot,
      held: () => held,
      onChange(listener: () => void) {
        onChange = listener;
        return () => {};
      },
      async [Symbol.asyncDispose]() {},
    };
    const content = { ...contentOf(blob), openHolding: async () => holding };
    const streams = new BlobStreams({ content, roleOf: () => 'member', logger: silentLogger });
    const openStream = async () => connectStream(streams);
    const source = new StreamPieceSource({ id: 'peer', blob: blob.blob, openStream });
    const stop = new AbortController();
    const heard: PieceNews[] = [];
    const following = source.followPieces((news) => void heard.push(news), stop.signal);
    const change = async (next: typeof held): Promise<void> => {
      const before = heard.length;
      held = next;
      onChange();
      await eventually(nextTurn, () => heard.length > before);
    };
    await eventually(nextTurn, () => heard.length === 2);
    await change(Uint8Array.of(0b1110_0100));
    await change(Uint8Array.of(0b0110_0100));
    await change('all');
    stop.abort();
    await following;
    expect(heard).toEqual([
      { news: 'holds', bits: Uint8Array.of(0b1010_0000) },
      { news: 'others', count: 0 },
      { news: 'gained', indexes: [1, 5] },
      { news: 'holds', bits: Uint8Array.of(0b0110_0100) },
      { news: 'holds_all' },
    ]);
    await eventually(nextTurn, () => streams.openStreams === 0);
  });

  test.each([
    ['cut in pieces of another root', 'ab'.repeat(32)],
    ['that is not here', undefined],
  ])('a blob %s cannot be followed', async (_, pieceRoot) => {
    const held = { held: () => 'all' as const, onChange: () => () => {} };
    const other = { ...facts, ...held, pieceRoot, async [Symbol.asyncDispose]() {} };
    const openHolding = async () => (pieceRoot === undefined ? undefined : other);
    const content = { ...contentOf(blob), openHolding };
    const streams = new BlobStreams({ content, roleOf: () => 'member', logger: silentLogger });
    const openStream = async () => connectStream(streams);
    const source = new StreamPieceSource({ id: 'peer', blob: blob.blob, openStream });
    await expect(source.followPieces(() => {}, never())).rejects.toMatchObject({ code: 'not_held' });
  });

  function connectStream(streams: BlobStreams): MemoryByteStream {
    const [here, there] = MemoryByteStream.pair(() => nextTurn());
    void streams.serve('peer' as never, there);
    return here;
  }
});
