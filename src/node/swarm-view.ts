/** Who has a variant and how it is reached: the catalog, what was measured before, and the peers' own addresses. */
import { type Clock, type Logger, messageOf, type NodeId } from '../core/index.ts';
import type { ModelEntry } from '../protocol/index.ts';
import {
  type CatalogEndpoints,
  isSameClaim,
  type ModelCatalog,
  type PeerPath,
  type Registry,
  rankPeers,
} from '../registry/index.ts';
import type { BlobToGet, PieceSource, SourceOutcome } from '../transfer/index.ts';
import type { Feedback } from './feedback.ts';
import { NODE_LIMITS } from './limits.ts';
import type { Mirrors } from './mirrors.ts';
import type { Endpoint } from './peer-endpoints.ts';
import { type PeerSourcesOptions, peerSource } from './peer-sources.ts';
import type { Holder, HolderView, PullTarget } from './pull/ports.ts';

export interface SwarmViewOptions extends PeerSourcesOptions {
  readonly catalog: ModelCatalog;
  readonly reliability: Registry['reliability'];
  /** What others say of peers, and where what is learned here is told to them. */
  readonly feedback?: Pick<Feedback, 'wordsOf' | 'note'>;
  readonly clock: Clock;
  readonly logger?: Logger;
  readonly mirrors?: Mirrors;
  /** The addresses of a peer that may be used, best first. */
  endpointsOf(peer: CatalogEndpoints): readonly Endpoint[];
}

/** What says nothing of the peer: it is fetching too, or this node’s role may not read. */
const BLAMELESS: ReadonlySet<string> = new Set(['not_held_yet', 'not_permitted']);

export class SwarmView implements HolderView {
  readonly #options: SwarmViewOptions;

  constructor(options: SwarmViewOptions) {
    this.#options = options;
  }

  holders({ entry, preferredNodeId }: PullTarget, only?: NodeId): readonly Holder[] {
    const { catalog, reliability, clock } = this.#options;
    const claims = catalog.claimsOf(entry.sha256);
    const nodes = claims.find((claim) => isSameClaim(claim.entry, entry))?.nodes ?? [];
    const asked = only === undefined ? nodes : nodes.filter((node) => node.nodeId === only);
    const candidates = asked.map((node) => ({
      nodeId: node.nodeId,
      name: node.name,
      ...this.#wayTo(node.endpoints),
      signsRoot: node.entry.piece_root !== undefined,
    }));
    const statsOf = (nodeId: NodeId) => (only === undefined ? reliability.get(nodeId) : undefined);
    const { feedback } = this.#options;
    const wordsOf = (nodeId: NodeId) => (only === undefined ? feedback?.wordsOf(nodeId) : undefined);
    const nowMs = clock.nowMs();
    return rankPeers(candidates, { sizeBytes: entry.size_bytes, nowMs, preferredNodeId, statsOf, wordsOf });
  }

  fetchers({ sha256, sizeBytes }: Pick<BlobToGet, 'sha256' | 'sizeBytes'>): readonly Holder[] {
    const { catalog, reliability, feedback, clock } = this.#options;
    const candidates = catalog
      .fetchersOf(sha256)
      .map(({ nodeId, name, endpoints }) => ({ nodeId, name, isPartial: true, ...this.#wayTo(endpoints) }));
    const statsOf = (nodeId: NodeId) => reliability.get(nodeId);
    const wordsOf = (nodeId: NodeId) => feedback?.wordsOf(nodeId);
    return rankPeers(candidates, { sizeBytes, nowMs: clock.nowMs(), statsOf, wordsOf });
  }

  otherClaims(target: PullTarget): readonly PullTarget[] {
    const others = this.#options.catalog
      .claimsOf(target.entry.sha256)
      .filter((claim) => !isSameClaim(claim.entry, target.entry));
    return others
      .slice(0, NODE_LIMITS.otherClaims)
      .map(({ entry }) => ({ ...target, entry: withClaim(target.entry, entry) }));
  }

  onChange(listener: () => void): () => void {
    return this.#options.catalog.events.on(listener);
  }

  sourceFor({ nodeId, isPartial = false, isPreferred = false }: Holder, blob: BlobToGet): PieceSource | undefined {
    const expectedRate = this.#options.reliability.get(nodeId)?.rateBytesPerSecond;
    // Asked anew for each connection: a peer that comes back elsewhere is found there, in the middle of a download too.
    const endpoints = () => this.#endpointsOf(nodeId);
    const isNowhere = endpoints().length === 0 && this.#options.openStream === undefined;
    const peer = { nodeId, endpoints, expectedRate, isPartial, isPreferred };
    return isNowhere ? undefined : peerSource(this.#options, peer, blob);
  }

  mirrorsOf({ entry }: PullTarget, blob: BlobToGet, path: string | undefined): readonly PieceSource[] {
    return this.#options.mirrors?.sourcesOf({ blob, entry, path }) ?? [];
  }

  hasMirrors(): boolean {
    return this.#options.mirrors?.isEmpty === false;
  }

  /** What was learned of peers is advice: where it cannot be kept, as on a full disk, the pull's own end still counts. */
  report(outcomes: readonly SourceOutcome[]): void {
    try {
      this.#note(outcomes);
      this.#options.feedback?.note(outcomes);
    } catch (thrown) {
      this.#options.logger?.warn({ err: messageOf(thrown) }, 'what a pull showed of its peers is not kept');
    }
  }

  #note(outcomes: readonly SourceOutcome[]): void {
    const { reliability, clock } = this.#options;
    const nowMs = clock.nowMs();
    for (const outcome of outcomes) {
      const { nodeId, bytes, rateBytesPerSecond, firstByteMs } = outcome;
      if (nodeId === undefined) continue;
      if (outcome.isCorrupt) reliability.noteCorruption(nodeId, nowMs, nowMs + NODE_LIMITS.banMs);
      else if (outcome.failures.some((code) => !BLAMELESS.has(code))) reliability.noteFailure(nodeId, nowMs);
      if (bytes > 0 && rateBytesPerSecond !== undefined && !outcome.isCorrupt)
        reliability.noteSuccess(nodeId, { bytes, durationMs: (bytes * 1000) / rateBytesPerSecond });
      if (firstByteMs !== undefined) reliability.noteLatency(nodeId, firstByteMs);
    }
  }

  #endpointsOf(nodeId: NodeId): readonly Endpoint[] {
    const node = this.#options.catalog.getNodes().find((one) => one.nodeId === nodeId);
    return node === undefined ? [] : this.#options.endpointsOf(node.endpoints);
  }

  #wayTo(peer: CatalogEndpoints): { path: PeerPath; distance: number; whereabouts: string } {
    const endpoints = this.#options.endpointsOf(peer);
    const path = pathOf(endpoints[0]);
    return { path, distance: DISTANCES[path], whereabouts: endpoints.map(({ baseUrl }) => baseUrl).join(' ') };
  }
}

function pathOf(best: Endpoint | undefined): PeerPath {
  if (best === undefined) return 'mesh';
  return best.isLoopback ? 'loopback' : 'lan';
}

const DISTANCES: Record<PeerPath, number> = { loopback: 0, lan: 1, mesh: 2 };

/** The same model, with what `other` says of its bytes. */
export function withClaim(entry: ModelEntry, other: ModelEntry): ModelEntry {
  const { size_bytes, piece_root, file, file_count, file_list_bytes } = other;
  const { piece_root: _root, file: _file, file_count: _count, file_list_bytes: _bytes, ...rest } = entry;
  return {
    ...rest,
    size_bytes,
    ...(piece_root === undefined ? {} : { piece_root }),
    ...(file === undefined ? {} : { file }),
    ...(file_count === undefined ? {} : { file_count }),
    ...(file_list_bytes === undefined ? {} : { file_list_bytes }),
  };
}
