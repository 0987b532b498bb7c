/**
 * The merged view of the models that others have. Pure but for the clock: it is fed with messages that were verified before,
 * keeps what each node said under that node's id, and forgets a node that has been silent for its TTL.
 * Spec: docs/spec/09-registry.md §4.
 */
import { type Clock, Emitter, type NodeId, systemClock } from '../core/index.ts';
import {
  type CatalogMessage,
  type ModelType,
  newestInRange,
  PROTOCOL_LIMITS,
  parseCatalogMessage,
  parseHeartbeat,
} from '../protocol/index.ts';
import { CatalogFetchers } from './catalog-fetchers.ts';
import { CatalogHolders } from './catalog-holders.ts';
import { type CatalogEndpoints, CatalogNode, isPackageKey, toCatalogWords } from './catalog-node.ts';
import type {
  CatalogEvent,
  CatalogModel,
  CatalogNodeView,
  CatalogStats,
  FindResult,
  ModelCatalogOptions,
  PeerContext,
  PeerView,
  WordOptions,
} from './catalog-types.ts';
import {
  compareVariants,
  isNamed,
  type ModelVariant,
  toClaims,
  toVariant,
  type VariantNode,
} from './catalog-variant.ts';
import { REGISTRY_LIMITS } from './limits.ts';
import { type PeerCandidate, type PeerPath, rankPeers } from './peer-choice.ts';
import { SpacedRecounts } from './spaced-recounts.ts';

/** Silent nodes are looked for no more often than this. */
const MIN_SWEEP_MS = 1000;

export class ModelCatalog {
  readonly events = new Emitter<CatalogEvent>();
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #nodes = new Map<NodeId, CatalogNode>();
  readonly #holders = new CatalogHolders();
  readonly #fetchers = new CatalogFetchers();
  readonly #recounts: SpacedRecounts;
  #leftOut = 0;
  #cancelSweep: (() => void) | undefined;

  constructor({ clock = systemClock, ttlMs = PROTOCOL_LIMITS.catalogTtlSeconds * 1000 }: ModelCatalogOptions = {}) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#recounts = new SpacedRecounts(clock, (node) => this.#recount(node));
  }

  /**
   * Takes `model_catalog` as it came. It counts as the word of `nodeId`, whoever the message says it is from. Throws
   * ProtocolError `malformed`; a bad entry costs itself alone. Node ids of other implementations are taken as they are.
   */
  processCatalogMessage(nodeId: string, nodeName: string, message: unknown, options: WordOptions = {}): void {
    this.takeCatalog(nodeId as NodeId, nodeName, parseCatalogMessage(message), options);
  }

  /** The same for a message that was parsed already. */
  takeCatalog(nodeId: NodeId, nodeName: string, parsed: CatalogMessage, options: WordOptions = {}): void {
    const node = this.#nodeOf(nodeId, nodeName);
    if (node === undefined) return;
    const endpoints = node.endpoints;
    node.name = nodeName;
    const words = toCatalogWords(parsed);
    node.ttlMs = Math.min(this.#ttlMs, words.ttl_seconds * 1000);
    node.takeCatalog(words);
    this.#leftOut += parsed.dropped.length;
    this.#noteWord(node, endpoints, options);
  }

  processHeartbeat(nodeId: NodeId, heartbeat: unknown, options: WordOptions = {}): void {
    const parsed = parseHeartbeat(heartbeat);
    const node = this.#nodeOf(nodeId, parsed.node_name);
    if (node === undefined) return;
    const endpoints = node.endpoints;
    node.ttlMs = this.#ttlMs;
    node.takeHeartbeat(parsed);
    this.#noteWord(node, endpoints, options);
    if (this.#fetchers.set(nodeId, parsed.fetching)) this.events.emit({ type: 'fetching', nodeId });
  }

  removeNode(nodeId: NodeId): void {
    if (!this.#nodes.has(nodeId)) return;
    this.#forget(nodeId);
    this.events.emit({ type: 'removed', nodeId });
  }

  /** Every variant that some node has now: by id, newest version first. Packages are in no list of models. */
  getAllModels(): ModelVariant[] {
    return this.#mergedWhere((key) => !isPackageKey(key));
  }

  /** Packages that some node offers now, a variant for each version, tier and custody: by id, newest version first. */
  getAllPackages(): ModelVariant[] {
    return this.#mergedWhere(isPackageKey);
  }

  /** What is said of one content under whatever names: a variant for each claim, the most named first; a node counts once. */
  claimsOf(sha256: string): ModelVariant[] {
    const told = new Map<NodeId, VariantNode>();
    for (const [key, nodeIds] of this.#holders.all()) {
      if (!key.startsWith(sha256)) continue;
      for (const holder of this.#freshHolders(key, nodeIds))
        if (!told.has(holder.nodeId)) told.set(holder.nodeId, holder);
    }
    return toClaims([...told.values()]);
  }

  /** Nodes that fetch this blob now, and so have some of it. They hold no model by that. */
  fetchersOf(sha256: string): PeerView[] {
    const nodes = [...this.#fetchers.of(sha256)].flatMap((nodeId) => this.#nodes.get(nodeId) ?? []);
    return nodes
      .filter((node) => this.#isFresh(node))
      .map(({ nodeId, name, endpoints }) => ({ nodeId, name, endpoints }));
  }

  getModelsByType(type: ModelType): ModelVariant[] {
    return this.getAllModels().filter(({ entry }) => entry.type === type);
  }

  getModel(modelId: string): CatalogModel | undefined {
    const variants = this.#variantsOf(modelId);
    const [first] = variants;
    return first === undefined ? undefined : { modelId: first.modelId, variants };
  }

  /** Throws ProtocolError `invalid_range`. */
  find(nameOrId: string, range = 'latest'): FindResult {
    const exact = this.#variantsOf(nameOrId);
    const named = exact.length > 0 ? exact : this.getAllModels().filter((variant) => isNamed(variant, nameOrId));
    if (new Set(named.map(({ modelId }) => modelId)).size > 1) return { kind: 'ambiguous', variants: named };
    const version = newestInRange([...new Set(named.map((variant) => variant.version))], range);
    const [variant, ...others] = named.filter((candidate) => candidate.version === version);
    if (variant === undefined) return { kind: 'not_found' };
    return others.length === 0 ? { kind: 'found', variant } : { kind: 'ambiguous', variants: [variant, ...others] };
  }

  /** The peer to ask first for a variant, or undefined when nobody may be asked. */
  getBestPeer(variant: ModelVariant, context: PeerContext = {}): VariantNode | undefined {
    const { statsOf = () => undefined, preferredNodeId, machine } = context;
    const candidates = variant.nodes.map((node) => ({ nodeId: node.nodeId, path: pathOf(node, machine), node }));
    const nowMs = this.#clock.nowMs();
    const ranked = rankPeers<PeerCandidate & { node: VariantNode }>(candidates, {
      sizeBytes: variant.sizeBytes,
      nowMs,
      preferredNodeId,
      statsOf,
    });
    return ranked[0]?.node;
  }

  /** The nodes whose word counts now. */
  getNodes(): CatalogNodeView[] {
    return [...this.#nodes.values()]
      .filter((node) => this.#isFresh(node))
      .map(({ nodeId, name, endpoints }) => ({
        nodeId,
        name,
        endpoints,
        modelCount: this.#holders.countOf(nodeId),
      }));
  }

  getStats(): CatalogStats {
    const variants = this.getAllModels();
    const nodes = this.getNodes();
    return {
      nodes: nodes.length,
      models: new Set(variants.map(({ modelId }) => modelId)).size,
      variants: variants.length,
      entries: nodes.reduce((sum, { modelCount }) => sum + modelCount, 0),
      leftOut:
        this.#leftOut +
        this.#holders.leftOut +
        [...this.#nodes.values()].reduce((sum, { leftOut }) => sum + leftOut, 0),
      totalSizeBytes: variants.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    };
  }

  /** Stops the timers. */
  close(): void {
    this.#recounts.close();
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #nodeOf(nodeId: NodeId, name: string): CatalogNode | undefined {
    const known = this.#nodes.get(nodeId);
    if (known !== undefined) return known;
    if (this.#nodes.size >= REGISTRY_LIMITS.catalogNodes) return undefined;
    const node = new CatalogNode(nodeId, name, this.#ttlMs);
    this.#nodes.set(nodeId, node);
    return node;
  }

  #noteWord(node: CatalogNode, endpointsBefore: CatalogEndpoints, { ageMs = 0 }: WordOptions): void {
    node.lastWordMs = Math.max(node.lastWordMs, this.#clock.monotonicMs() - Math.max(0, ageMs));
    const { nodeId } = node;
    this.#recounts.ask(node);
    if (JSON.stringify(node.endpoints) !== JSON.stringify(endpointsBefore))
      this.events.emit({ type: 'endpoints', nodeId });
    this.#scheduleSweep();
  }

  #recount(node: CatalogNode): number {
    const { nodeId } = node;
    const { added, removed } = this.#holders.recount(node);
    if (added + removed > 0) this.events.emit({ type: 'changed', nodeId, added, removed });
    return this.#holders.countOf(nodeId);
  }

  /** Without merging what has another id. */
  #variantsOf(modelId: string): ModelVariant[] {
    const variants = this.#mergedWhere((key) => key.includes(`\n${modelId}\n`) && !isPackageKey(key));
    return variants.filter((variant) => variant.modelId === modelId);
  }

  #mergedWhere(isMeant: (key: string) => boolean): ModelVariant[] {
    this.#recounts.settleAll();
    return [...this.#holders.all()]
      .filter(([key]) => isMeant(key))
      .flatMap(([key, nodeIds]) => this.#mergedOf(key, nodeIds))
      .sort(compareVariants);
  }

  /** The variant of one content as those tell whose word counts now; none when nobody's does. */
  #mergedOf(key: string, nodeIds: ReadonlySet<NodeId>): ModelVariant[] {
    const variant = toVariant(this.#freshHolders(key, nodeIds));
    return variant === undefined ? [] : [variant];
  }

  #freshHolders(key: string, nodeIds: ReadonlySet<NodeId>): VariantNode[] {
    const holders: VariantNode[] = [];
    for (const nodeId of nodeIds) {
      const node = this.#nodes.get(nodeId);
      const entry = this.#holders.entryOf(nodeId, key);
      if (node === undefined || entry === undefined || !this.#isFresh(node)) continue;
      holders.push({ nodeId, name: node.name, endpoints: node.endpoints, entry });
    }
    return holders;
  }

  #isFresh(node: CatalogNode): boolean {
    return this.#clock.monotonicMs() < node.expiresAtMs;
  }

  /** Forgets the silent ones and comes back when the next may fall silent. */
  #sweep(): void {
    this.#cancelSweep = undefined;
    for (const node of [...this.#nodes.values()]) {
      if (this.#isFresh(node)) continue;
      this.#forget(node.nodeId);
      this.events.emit({ type: 'expired', nodeId: node.nodeId });
    }
    this.#scheduleSweep();
  }

  #scheduleSweep(): void {
    if (this.#cancelSweep !== undefined || this.#nodes.size === 0) return;
    const nextMs = Math.min(...[...this.#nodes.values()].map(({ expiresAtMs }) => expiresAtMs));
    const delayMs = Math.max(MIN_SWEEP_MS, nextMs - this.#clock.monotonicMs());
    this.#cancelSweep = this.#clock.after(delayMs, () => this.#sweep());
  }

  #forget(nodeId: NodeId): void {
    this.#recounts.forget(nodeId);
    this.#holders.forget(nodeId);
    this.#fetchers.forget(nodeId);
    this.#nodes.delete(nodeId);
  }
}

function pathOf({ endpoints }: VariantNode, machine: string | undefined): PeerPath {
  if (machine !== undefined && endpoints.machine === machine && endpoints.loopbackPort !== undefined) return 'loopback';
  return endpoints.http.length > 0 ? 'lan' : 'mesh';
}
