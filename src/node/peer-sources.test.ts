import { afterEach, describe, expect, test } from 'vitest';
import type { NodeId } from '../core/index.ts';
import { MemoryByteStream } from '../mesh/memory-stream.ts';
import { nextTurn } from '../testkit/eventually.ts';
import { type HostileHttpServer, startHostileHttpServer, testBlob } from '../testkit/hostile-http-server.ts';
import { answerStream, honestStream, type StreamBehaviour } from '../testkit/hostile-stream-peer.ts';
import { TransferError } from '../transfer/index.ts';
import { NODE_LIMITS } from './limits.ts';
import type { Endpoint } from './peer-endpoints.ts';
import { endpointsOf } from './peer-endpoints.ts';
import { type PeerSourcesOptions, peerSource } from './peer-sources.ts';

const blob = testBlob(Buffer.from('the bytes of a model'));
const nodeId = 'peer' as NodeId;
const servers: HostileHttpServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(): Promise<HostileHttpServer> {
  const server = await startHostileHttpServer(blob);
  servers.push(server);
  return server;
}

function open(endpoints: () => readonly Endpoint[]) {
  const options = { tls: () => ({ key: '', cert: '' }), readPeer: () => nodeId };
  return peerSource(options, { nodeId, endpoints, expectedRate: undefined }, blob.blob);
}

const at = ({ url }: HostileHttpServer): Endpoint => ({ baseUrl: url, isLoopback: true });
const noAbort = new AbortController().signal;

test('peerSource() finds a peer that came back at another address', async () => {
  const [before, after] = [await serve(), await serve()];
  let now = before;
  const source = open(() => [at(now)]);
  expect(await source.pieceHashes?.(blob.pieces.length, noAbort)).toEqual(blob.pieces);
  await before.close();
  await expect(source.pieceHashes?.(blob.pieces.length, noAbort)).rejects.toMatchObject({ code: 'peer_unreachable' });
  now = after;
  expect(await source.pieceHashes?.(blob.pieces.length, noAbort)).toEqual(blob.pieces);
  expect([before.listRequests(), after.listRequests()]).toEqual([1, 1]);
});

test('peerSource() asks the address first that answered last', async () => {
  const [gone, good] = [await serve(), await serve()];
  const endpoints = [at(gone), at(good)];
  await gone.close();
  const source = open(() => endpoints);
  for (let round = 0; round < 2; round++) await source.pieceHashes?.(blob.pieces.length, noAbort);
  expect(good.listRequests()).toBe(2);
});

test('peerSource() of a peer that is nowhere is unreachable', async () => {
  await expect(open(() => []).openLane(noAbort)).rejects.toMatchObject({ code: 'peer_unreachable' });
});

test('endpointsOf() leaves out what is no plain address, and keeps the rest', () => {
  const http = ['https://a?x=1', 'https://u:p@b', 'https://c#d', 'http://e', 'nonsense', 'https://10.0.0.1:14345'];
  const peer = { http, websocket: false, mesh: [], machine: undefined, loopbackPort: undefined };
  expect(endpointsOf(peer, undefined)).toEqual([{ baseUrl: 'https://10.0.0.1:14345', isLoopback: false }]);
});

describe('ways to a peer', () => {
  const streamTo = (behaviour: StreamBehaviour, opened: { count: number }) => async (): Promise<MemoryByteStream> => {
    opened.count += 1;
    const [here, there] = MemoryByteStream.pair(() => nextTurn());
    answerStream(there, blob, behaviour);
    return here;
  };
  const sourceWith = (endpoints: readonly Endpoint[], more: Partial<PeerSourcesOptions>) => {
    const options = { tls: () => ({ key: '', cert: '' }), readPeer: () => nodeId, ...more };
    return peerSource(options, { nodeId, endpoints: () => endpoints, expectedRate: undefined }, blob.blob);
  };

  test('a peer that HTTP does not reach is asked by a mesh stream', async () => {
    const gone = await serve();
    await gone.close();
    const opened = { count: 0 };
    const source = sourceWith([at(gone)], { openStream: streamTo(honestStream, opened), isDirect: () => false });
    expect(source.tier).toBe(0);
    expect(await source.pieceHashes?.(blob.pieces.length, noAbort)).toEqual(blob.pieces);
    expect([opened.count, source.tier, source.lanes]).toEqual([1, 1, 1]);
  });

  test('a mesh stream is not opened while HTTP answers', async () => {
    const good = await serve();
    const opened = { count: 0 };
    const source = sourceWith([at(good)], { openStream: streamTo(honestStream, opened) });
    (await source.openLane(noAbort)).close();
    expect(opened.count).toBe(0);
  });

  test('a way that takes its time gets company, of a mesh stream later than of others', async () => {
    const relays = { open: (_: string, __: NodeId, signal: AbortSignal) => untilAborted(signal) };
    const opened = { count: 0 };
    const more = { relays, relaysOf: () => ['relay:1'], openStream: streamTo(honestStream, opened) };
    const startedMs = performance.now();
    (await sourceWith([], more).openLane(noAbort)).close();
    expect(opened.count).toBe(1);
    expect(performance.now() - startedMs).toBeGreaterThan(NODE_LIMITS.streamHedgeMs - 50);
  }, 30_000);

  test('an answer that no other way would change is the answer', async () => {
    const opened = { count: 0 };
    const absent = await serve();
    absent.lieAboutPieces(Buffer.alloc(7));
    const source = sourceWith([at(absent)], { openStream: streamTo(honestStream, opened) });
    const asking = source.pieceHashes?.(blob.pieces.length, noAbort);
    await expect(asking).rejects.toMatchObject({ code: 'bad_response' });
    expect(opened.count).toBe(0);
  });

  test('somebody else at an address of the peer does not keep the peer from being asked otherwise', async () => {
    const relays = { open: () => Promise.reject(new TransferError('peer_not_trusted', 'another node')) };
    const opened = { count: 0 };
    const more = { relays, relaysOf: () => ['relay:1'], openStream: streamTo(honestStream, opened) };
    (await sourceWith([], more).openLane(noAbort)).close();
    expect(opened.count).toBe(1);
  });

  test('who cancels is answered at once, and nothing stays open', async () => {
    const relays = { open: (_: string, __: NodeId, signal: AbortSignal) => untilAborted(signal) };
    const abort = new AbortController();
    const opening = sourceWith([], { relays, relaysOf: () => ['relay:1'] }).openLane(abort.signal);
    abort.abort();
    await expect(opening).rejects.toMatchObject({ code: 'cancelled' });
  });
});

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
