/** Who has a variant and how it is reached: the catalog, what was measured before, and the peers' own addresses. */
import { type Clock, type Logger, messageOf, type NodeId } from '../core/index.ts';
import {
  type CatalogEndpoints,
  type ModelCatalog,
  type ModelVariant,
  type PeerPath,
  type Registry,
  rankPeers,
} from '../registry/index.ts';
import type { BlobToGet, PieceSource, SourceOutcome } from '../transfer/index.ts';
import type { Endpoint } from './peer-endpoints.ts';
import { type PeerSourcesOptions, peerSource } from './peer-sources.ts';
import type { Holder, HolderView, PullTarget } from './pull/ports.ts';

export interface SwarmViewOptions extends PeerSourcesOptions {
  readonly catalog: ModelCatalog;
  readonly reliability: Registry['reliability'];
  readonly clock: Clock;
  readonly logger?: Logger;
  /** The addresses of a peer that may be used, best first. */
  endpointsOf(peer: CatalogEndpoints): readonly Endpoint[];
}

/** How long a peer that sent wrong bytes is not asked again. */
const BAN_MS = 3_600_000;

export class SwarmView implements HolderView {
  readonly #options: SwarmViewOptions;

  constructor(options: SwarmViewOptions) {
    this.#options = options;
  }

  holders({ entry, preferredNodeId }: PullTarget, only?: NodeId): readonly Holder[] {
    const { catalog, reliability, clock } = this.#options;
    const nodes = this.#variantOf(entry.sha256, entry.model_id, catalog)?.nodes ?? [];
    const asked = only === undefined ? nodes : nodes.filter((node) => node.nodeId === only);
    const candidates = asked.map((node) => ({
      nodeId: node.nodeId,
      name: node.name,
      path: this.#pathOf(node.endpoints),
    }));
    const statsOf = (nodeId: NodeId) => (only === undefined ? reliability.get(nodeId) : undefined);
    return rankPeers(candidates, { sizeBytes: entry.size_bytes, nowMs: clock.nowMs(), preferredNodeId, statsOf });
  }

  onChange(listener: () => void): () => void {
    return this.#options.catalog.events.on(listener);
  }

  sourceFor({ nodeId }: Holder, blob: BlobToGet): PieceSource | undefined {
    const node = this.#options.catalog.getNodes().find((one) => one.nodeId === nodeId);
    if (node === undefined) return undefined;
    const expectedRate = this.#options.reliability.get(nodeId)?.rateBytesPerSecond;
    const endpoints = this.#options.endpointsOf(node.endpoints);
    return peerSource(this.#options, { nodeId, endpoints, expectedRate }, blob);
  }

  /** What was learned of peers is advice: where it cannot be kept, as on a full disk, the pull's own end still counts. */
  report(outcomes: readonly SourceOutcome[]): void {
    try {
      this.#note(outcomes);
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
      if (outcome.isCorrupt) reliability.noteCorruption(nodeId, nowMs, nowMs + BAN_MS);
      else if (outcome.failures.length > 0) reliability.noteFailure(nodeId, nowMs);
      if (bytes > 0 && rateBytesPerSecond !== undefined && !outcome.isCorrupt)
        reliability.noteSuccess(nodeId, { bytes, durationMs: (bytes * 1000) / rateBytesPerSecond });
      if (firstByteMs !== undefined) reliability.noteLatency(nodeId, firstByteMs);
    }
  }

  /** Every holder of the same content, under whatever name it has it. */
  #variantOf(sha256: string, modelId: string, catalog: ModelCatalog): ModelVariant | undefined {
    const same = catalog.getAllModels().filter((variant) => variant.sha256 === sha256);
    return same.find((variant) => variant.modelId === modelId) ?? same[0];
  }

  #pathOf(peer: CatalogEndpoints): PeerPath {
    const [best] = this.#options.endpointsOf(peer);
    if (best === undefined) return 'mesh';
    return best.isLoopback ? 'loopback' : 'lan';
  }
}
