/**
 * Ways to a peer's blobs: HTTP on this machine's loopback, mutual TLS elsewhere, the first address that answers. The
 * peer at the other end must prove the node id that the signed records name, whatever address it was found at.
 */
import type { NodeId } from '../core/index.ts';
import {
  type BlobToGet,
  HttpPieceSource,
  type Lane,
  type PieceSource,
  type TlsCredentials,
  TransferError,
} from '../transfer/index.ts';
import type { Endpoint } from './peer-endpoints.ts';

export interface PeerSourcesOptions {
  /** This node's key and certificate, renewed from time to time. */
  tls(): { readonly key: string; readonly cert: string };
  /** Node id of a certificate of a current member. Throws for any other. */
  readPeer(certificateDer: Buffer): NodeId;
}

export interface PeerAt {
  readonly nodeId: NodeId;
  readonly endpoints: readonly Endpoint[];
  readonly expectedRate: number | undefined;
}

/** Undefined for a peer without any address. */
export function peerSource(options: PeerSourcesOptions, peer: PeerAt, blob: BlobToGet): PieceSource | undefined {
  const sources = peer.endpoints.map((endpoint) => atEndpoint(options, peer, endpoint, blob));
  const [only] = sources;
  return sources.length > 1 ? firstReachable(sources) : only;
}

function atEndpoint(options: PeerSourcesOptions, peer: PeerAt, endpoint: Endpoint, blob: BlobToGet): PieceSource {
  const { nodeId, expectedRate } = peer;
  return new HttpPieceSource({
    id: nodeId,
    nodeId,
    baseUrl: endpoint.baseUrl,
    blob,
    ...(endpoint.baseUrl.startsWith('https:') ? { tls: credentialsFor(options, nodeId) } : {}),
    ...(expectedRate === undefined ? {} : { expectedRate }),
  });
}

function credentialsFor(options: PeerSourcesOptions, nodeId: NodeId): TlsCredentials {
  return {
    ...options.tls(),
    verifyPeer(certificateDer) {
      const found = options.readPeer(certificateDer);
      if (found === nodeId) return;
      throw new TransferError('peer_not_trusted', `Connecting to ${nodeId}: the other end proved to be ${found}`);
    },
  };
}

/** One source over several addresses of one peer: the one that answered last is asked first. */
function firstReachable(sources: readonly PieceSource[]): PieceSource {
  let order = [...sources];
  const [first] = sources;
  const attempt = async <T>(ask: (source: PieceSource) => Promise<T>): Promise<T> => {
    let last: unknown;
    for (const source of [...order]) {
      try {
        const answer = await ask(source);
        order = [source, ...order.filter((other) => other !== source)];
        return answer;
      } catch (thrown) {
        last = thrown;
        if (!(thrown instanceof TransferError) || thrown.code !== 'peer_unreachable') throw thrown;
      }
    }
    throw last;
  };
  return {
    id: first?.id ?? '',
    ...(first?.nodeId === undefined ? {} : { nodeId: first.nodeId }),
    ...(first?.expectedRate === undefined ? {} : { expectedRate: first.expectedRate }),
    openLane: (signal): Promise<Lane> => attempt((source) => source.openLane(signal)),
    pieceHashes: (sizeBytes, signal) =>
      attempt(
        (source) => source.pieceHashes?.(sizeBytes, signal) ?? Promise.reject(new TransferError('not_held', 'no list')),
      ),
  };
}
