import { afterEach, expect, test } from 'vitest';
import type { NodeId } from '../core/index.ts';
import { type HostileHttpServer, startHostileHttpServer, testBlob } from '../testkit/hostile-http-server.ts';
import type { Endpoint } from './peer-endpoints.ts';
import { endpointsOf } from './peer-endpoints.ts';
import { peerSource } from './peer-sources.ts';

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
