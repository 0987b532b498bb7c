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
  /** Where the peer is now, best first. */
  endpoints(): readonly Endpoint[];
  readonly expectedRate: number | undefined;
}

/** A peer as one source, whatever its addresses become: the one that answered last is asked first. */
export function peerSource(options: PeerSourcesOptions, peer: PeerAt, blob: BlobToGet): PieceSource {
  const { nodeId, expectedRate } = peer;
  const sources = new Map<string, PieceSource>();
  let lastGood: string | undefined;
  const sourceAt = (baseUrl: string): PieceSource => {
    const source = sources.get(baseUrl) ?? atUrl(options, peer, baseUrl, blob);
    sources.set(baseUrl, source);
    return source;
  };
  const attempt = async <T>(ask: (source: PieceSource) => Promise<T>): Promise<T> => {
    let last: unknown = new TransferError('peer_unreachable', `Connecting to ${nodeId}: it is at no address now`);
    const urls = peer.endpoints().map(({ baseUrl }) => baseUrl);
    for (const baseUrl of urls.toSorted((a, b) => Number(b === lastGood) - Number(a === lastGood))) {
      try {
        const answer = await ask(sourceAt(baseUrl));
        lastGood = baseUrl;
        return answer;
      } catch (thrown) {
        last = thrown;
        if (!(thrown instanceof TransferError) || thrown.code !== 'peer_unreachable') throw thrown;
      }
    }
    throw last;
  };
  return {
    id: nodeId,
    nodeId,
    ...(expectedRate === undefined ? {} : { expectedRate }),
    openLane: (signal): Promise<Lane> => attempt((source) => source.openLane(signal)),
    pieceHashes: (sizeBytes, signal) =>
      attempt(
        (source) => source.pieceHashes?.(sizeBytes, signal) ?? Promise.reject(new TransferError('not_held', 'no list')),
      ),
  };
}

/** Made once an address: a session of TLS is resumed by the source that began it. */
function atUrl(options: PeerSourcesOptions, peer: PeerAt, baseUrl: string, blob: BlobToGet): PieceSource {
  const { nodeId } = peer;
  const tls = baseUrl.startsWith('https:') ? { tls: credentialsFor(options, nodeId) } : {};
  return new HttpPieceSource({ id: nodeId, nodeId, baseUrl, blob, ...tls });
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
