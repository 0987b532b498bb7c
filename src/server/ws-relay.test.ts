/** A holder that nobody reaches, a relay, an asker: real edges, real certificates, real sockets. */
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MiB, type NodeId, systemClock } from '../core/index.ts';
import { WsRelayHub } from '../relay/index.ts';
import { RELAY_LIMITS } from '../relay/limits.ts';
import { WsRelayLink } from '../relay/ws-relay-link.ts';
import { eventually, nextTurn } from '../testkit/eventually.ts';
import { testBlob } from '../testkit/hostile-http-server.ts';
import { makeTestMesh } from '../testkit/mesh-members.ts';
import { SeededBytes } from '../testkit/seeded-bytes.ts';
import { WsPieceSource, type WsPieceSourceOptions } from '../transfer/ws-source.ts';
import { makeTlsIdentity, readTlsPeer } from '../trust/index.ts';
import { GOOD_TOKEN, openTestEdge, type TestEdge, until } from './http-edge.fixture.ts';

const mesh = makeTestMesh('ws relay', Date.now());
const blob = testBlob(new SeededBytes('relayed').next(5 * MiB + 11));
const never = (): AbortSignal => new AbortController().signal;
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function member(name: string, role = 'member') {
  const own = mesh.member(name, { role });
  const tls = await makeTlsIdentity(own, Date.now());
  return { nodeId: own.nodeId, tls };
}
type Member = Awaited<ReturnType<typeof member>>;

function verifyMember(der: Uint8Array) {
  const check = { meshId: mesh.authority.id, nowMs: Date.now(), isRevoked: () => false };
  const { nodeId, certificate } = readTlsPeer(der, check);
  return { nodeId, role: certificate.role };
}

async function openEdge({ nodeId, tls }: Member, hub?: WsRelayHub): Promise<TestEdge> {
  const more = hub === undefined ? {} : { meshRelay: hub };
  const edge = await openTestEdge({ nodeId, tls, peers: { verifyPeer: verifyMember }, ...more });
  open.push(edge);
  return edge;
}

/** A relay, and a holder of the blob that is linked to it. */
async function openRelayed(relayRole = 'member') {
  const hub = new WsRelayHub({ limits: RELAY_LIMITS, clock: systemClock });
  const [relay, holder, asker] = [await member('relay', relayRole), await member('holder'), await member('asker')];
  const relayEdge = await openEdge(relay, hub);
  const holderEdge = await openEdge(holder);
  await holderEdge.content.add('org/model', { 'model.gguf': blob.content });
  holderEdge.content.pieceHashes = async () => blob.pieces;
  const linked = Promise.withResolvers<WebSocket>();
  const link = new WsRelayLink({
    ...{ address: { host: '127.0.0.1', port: relayEdge.port }, identity: () => holder.tls, verifyMember },
    ...{ clock: systemClock, limits: { reconnectMs: 5, maxReconnectMs: 5 } },
    onSocket(socket, peer) {
      holderEdge.edge.serveLink(socket, peer);
      linked.resolve(socket);
    },
  });
  link.start();
  open.push(link);
  const sourceOf = (options: Partial<WsPieceSourceOptions> = {}) =>
    new WsPieceSource({
      ...{ id: 'holder', baseUrl: `https://127.0.0.1:${relayEdge.port}`, blob: blob.blob, target: holder.nodeId },
      tls: { ...asker.tls, verifyPeer: (der) => expect(verifyMember(der).nodeId).toBe(relay.nodeId) },
      ...options,
    });
  return { hub, relay, holder, asker, relayEdge, holderEdge, link, linked: linked.promise, sourceOf };
}

async function readAll(source: WsPieceSource): Promise<Buffer> {
  const lane = await source.openLane(never());
  const parts: Buffer[] = [];
  await lane.read({ start: 0, end: blob.content.length }, (bytes) => void parts.push(Buffer.from(bytes)), never());
  lane.close();
  return Buffer.concat(parts);
}

describe('a model through a relay', () => {
  it.each([
    ['in frames', {}],
    ['in JSON', { form: 'json' as const }],
  ])('comes whole, %s, with its piece list', async (_name, options) => {
    const { hub, sourceOf, holderEdge } = await openRelayed();
    await until(() => hub.counts().links === 1);
    expect((await readAll(sourceOf(options))).equals(blob.content)).toBe(true);
    expect((await sourceOf(options).pieceHashes?.(blob.pieces.length, never()))?.equals(blob.pieces)).toBe(true);
    await until(() => hub.counts().routes === 0 && holderEdge.content.openHandles === 0);
  });

  it('range after range on one lane leaves no place taken at the relay', async () => {
    const { hub, sourceOf } = await openRelayed();
    await until(() => hub.counts().links === 1);
    const lane = await sourceOf().openLane(never());
    for (let index = 0; index < 3 * RELAY_LIMITS.wsRoutesPerMember; index += 1)
      await lane.read({ start: 1000 * index, end: 1000 * index + 1000 }, () => {}, never());
    await until(() => hub.counts().routes === 0);
    lane.close();
  });

  it('is reachable again when the link broke and came back by itself', async () => {
    const { sourceOf, link, linked } = await openRelayed();
    const closed = once(await linked, 'close');
    link.reconnect();
    await closed;
    const bytesRead = (): Promise<number> =>
      readAll(sourceOf()).then(
        ({ length }) => length,
        () => 0,
      );
    await eventually(bytesRead, (count) => count === blob.content.length);
  });

  it('a holder that goes away in the middle is unreachable, at once', async () => {
    const { hub, sourceOf, link } = await openRelayed();
    await until(() => hub.counts().links === 1);
    const lane = await sourceOf().openLane(never());
    const cut = (): void => link.reconnect();
    await expect(lane.read({ start: 0, end: blob.content.length }, cut, never())).rejects.toMatchObject({
      code: 'peer_unreachable',
    });
  });

  it('a relay that is no member any more is cut off, with what it asks', async () => {
    const { relay, holderEdge, linked } = await openRelayed();
    const socket = await linked;
    const closed = once(socket, 'close');
    holderEdge.edge.disconnectPeer(relay.nodeId);
    await closed;
  });

  it('what the holder does not have, or the relay may not have, is not held', async () => {
    const { hub, sourceOf } = await openRelayed();
    await until(() => hub.counts().links === 1);
    const other = testBlob(Buffer.from('something else'));
    await expect(readAll(sourceOf({ blob: other.blob }))).rejects.toMatchObject({ code: 'not_held' });
  });

  it('a holder says nothing to a relay that may not be one', async () => {
    const { hub, sourceOf } = await openRelayed('edge');
    for (let turn = 0; turn < 200; turn += 1) await nextTurn();
    expect(hub.counts().links).toBe(0);
    await expect(readAll(sourceOf())).rejects.toMatchObject({ code: 'peer_unreachable' });
  });

  it('strangers are refused, and a bearer of a token is carried', async () => {
    const { hub, holder, relayEdge } = await openRelayed();
    await until(() => hub.counts().links === 1);
    const ask = async (headers: Record<string, string>): Promise<Record<string, unknown>> => {
      const socket = new WebSocket(`wss://127.0.0.1:${relayEdge.port}/mesh`, { rejectUnauthorized: false, headers });
      await once(socket, 'open');
      const about = { type: 'model_request', request_id: 'x', requester_node_id: 'someone', model_id: 'org/model' };
      socket.send(JSON.stringify({ ...about, target_node_id: holder.nodeId, resume_from_byte: 0 }));
      const [message] = await once(socket, 'message');
      socket.terminate();
      return JSON.parse(String(message));
    };
    expect(await ask({})).toMatchObject({ type: 'model_transfer_cancel', code: 'stranger_refused' });
    expect(await ask({ authorization: `Bearer ${GOOD_TOKEN}` })).toMatchObject({ type: 'model_transfer_start' });
  });

  it('a node that relays nothing says so', async () => {
    const { asker, holderEdge, holder } = await openRelayed();
    const source = new WsPieceSource({
      ...{ id: 'x', baseUrl: `https://127.0.0.1:${holderEdge.port}`, blob: blob.blob, target: asker.nodeId as NodeId },
      tls: { ...asker.tls, verifyPeer: (der) => expect(verifyMember(der).nodeId).toBe(holder.nodeId) },
    });
    await expect(readAll(source)).rejects.toMatchObject({ code: 'peer_unreachable' });
  });
});
