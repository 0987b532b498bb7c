/**
 * The ways to one peer's blob, best first: HTTP on this machine's loopback, mutual TLS to an address of the peer's, mutual TLS
 * through a splice relay, a stream of the mesh. On each the peer proves the node id that the signed records name.
 * Spec: docs/spec/10-transfer.md §12.
 */
import type { NodeId } from '../core/index.ts';
import {
  type BlobToGet,
  HttpPieceSource,
  type PieceSource,
  StreamPieceSource,
  type TlsCredentials,
  TransferError,
  WsPieceSource,
} from '../transfer/index.ts';
import { NODE_LIMITS } from './limits.ts';
import type { Endpoint } from './peer-endpoints.ts';

/** One way; `name` is stable and tells it from the others. */
export interface Way extends Pick<PieceSource, 'openLane' | 'pieceHashes' | 'followPieces' | 'askDifference'> {
  readonly name: string;
  readonly tier: 0 | 1;
  readonly lanes: number;
  /** How long the way before it may take before this one is tried as well; `wayHedgeMs` unless given. */
  readonly hedgeMs?: number;
}

export interface PeerCredentials {
  /** This node's key and certificate, renewed from time to time. */
  tls(): { readonly key: string; readonly cert: string };
  /** Node id of a certificate of a current member. Throws for any other. */
  readPeer(certificateDer: Buffer): NodeId;
}

type OpenStream = ConstructorParameters<typeof StreamPieceSource>[0]['openStream'];

/** A splice relay's client, as far as a way needs it. */
export interface RelayedConnections {
  /** Where to open one TLS connection with the node. */
  open(
    relay: string,
    target: NodeId,
    signal: AbortSignal,
  ): Promise<{ readonly host: string; readonly port: number; readonly servername: string }>;
}

export interface MoreWays {
  /** Splice relays at which the peer can be met. */
  relaysOf?(nodeId: NodeId): readonly string[];
  readonly relays?: RelayedConnections | undefined;
  /** Nodes that the user named as relays of WebSockets, `host:port`. */
  readonly wsRelays?: readonly string[];
  /** Whether such a stream goes there without another node between. */
  isDirect?(nodeId: NodeId): boolean;
  /** A stream of the mesh to the peer. */
  openStream?(nodeId: NodeId, signal: AbortSignal): ReturnType<OpenStream>;
}

export function directWay(peer: PeerCredentials, nodeId: NodeId, endpoint: Endpoint, blob: BlobToGet): Way {
  const { baseUrl, isLoopback } = endpoint;
  const tls = baseUrl.startsWith('https:') ? { tls: credentialsFor(peer, nodeId) } : {};
  const source = new HttpPieceSource({ id: nodeId, nodeId, baseUrl, blob, ...tls });
  const lanes = isLoopback ? 1 : NODE_LIMITS.lanesPerPeer;
  return { name: baseUrl, tier: 0, lanes, ...callsOf(() => source), ...questionsOf(() => source) };
}

/** A pairing at the relay is good for one connection: each is asked for anew. */
export function relayedWay(
  peer: PeerCredentials,
  relays: RelayedConnections,
  relay: string,
  nodeId: NodeId,
  blob: BlobToGet,
): Way {
  const paired = async (signal: AbortSignal): Promise<HttpPieceSource> => {
    const { host, port, servername } = await relays.open(relay, nodeId, signal);
    const baseUrl = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
    return new HttpPieceSource({
      id: nodeId,
      nodeId,
      baseUrl,
      blob,
      tls: { ...credentialsFor(peer, nodeId), servername },
    });
  };
  return {
    name: `relay ${relay}`,
    tier: 1,
    lanes: NODE_LIMITS.lanesPerPeer,
    ...callsOf(paired),
    ...questionsOf(paired),
  };
}

/** Whoever relays is a member like any other, and can read what passes: so the user names it. */
export function wsWay(peer: PeerCredentials, relay: string, nodeId: NodeId, blob: BlobToGet): Way {
  const make = (): PieceSource => {
    const tls = { ...peer.tls(), verifyPeer: (certificateDer: Buffer) => void peer.readPeer(certificateDer) };
    return new WsPieceSource({ id: nodeId, nodeId, baseUrl: `https://${relay}`, blob, target: nodeId, tls });
  };
  return { name: `WebSocket relay ${relay}`, tier: 1, lanes: 1, ...callsOf(make) };
}

export function streamWay(streams: StreamWays, nodeId: NodeId, blob: BlobToGet): Way {
  const openStream = (signal: AbortSignal): ReturnType<OpenStream> => streams.openStream(nodeId, signal);
  const source = new StreamPieceSource({ id: nodeId, nodeId, blob, openStream });
  return {
    name: 'mesh',
    lanes: source.lanes,
    hedgeMs: NODE_LIMITS.streamHedgeMs,
    get tier(): 0 | 1 {
      return streams.isDirect?.(nodeId) === true ? 0 : 1;
    },
    ...callsOf(() => source),
    ...questionsOf(() => source),
  };
}

type StreamWays = Pick<MoreWays, 'isDirect'> & Required<Pick<MoreWays, 'openStream'>>;

type Calls = Pick<Required<PieceSource>, 'openLane' | 'pieceHashes' | 'followPieces'>;

/** A source that has no list, or tells no news, says so when asked. */
function callsOf(sourceFor: (signal: AbortSignal) => PieceSource | Promise<PieceSource>): Calls {
  return {
    openLane: async (signal) => (await sourceFor(signal)).openLane(signal),
    async pieceHashes(sizeBytes, signal) {
      const source = await sourceFor(signal);
      if (source.pieceHashes === undefined)
        throw new TransferError('not_held', 'Asking for the piece list: it has none');
      return source.pieceHashes(sizeBytes, signal);
    },
    async followPieces(tell, signal) {
      const source = await sourceFor(signal);
      if (source.followPieces !== undefined) return source.followPieces(tell, signal);
      tell({ news: 'holds_all' });
      await untilAborted(signal);
    },
  };
}

/** Of sources that know differences. */
type Questions = Pick<Required<PieceSource>, 'askDifference'>;

function questionsOf(sourceFor: (signal: AbortSignal) => Questions | Promise<Questions>): Questions {
  return { askDifference: async (question, signal) => (await sourceFor(signal)).askDifference(question, signal) };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function credentialsFor(peer: PeerCredentials, nodeId: NodeId): TlsCredentials {
  return {
    ...peer.tls(),
    verifyPeer(certificateDer) {
      const found = peer.readPeer(certificateDer);
      if (found === nodeId) return;
      throw new TransferError('peer_not_trusted', `Connecting to ${nodeId}: the other end proved to be ${found}`);
    },
  };
}
