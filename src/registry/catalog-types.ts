/** What goes into the merged catalog beside messages, and what comes out of it. Spec: docs/spec/09-registry.md §4. */
import type { Clock, ModelId, NodeId } from '../core/index.ts';
import type { CatalogEndpoints } from './catalog-node.ts';
import type { ModelVariant } from './catalog-variant.ts';
import type { PeerStats } from './peer-stats.ts';

export interface ModelCatalogOptions {
  readonly clock?: Clock;
  /** How long a node's word lasts at most. */
  readonly ttlMs?: number;
}

export interface CatalogModel {
  readonly modelId: ModelId;
  /** Newest version first. */
  readonly variants: readonly ModelVariant[];
}

export type CatalogEvent =
  | { readonly type: 'changed'; readonly nodeId: NodeId; readonly added: number; readonly removed: number }
  | { readonly type: 'endpoints'; readonly nodeId: NodeId }
  /** It fetches other blobs than before. */
  | { readonly type: 'fetching'; readonly nodeId: NodeId }
  | { readonly type: 'expired' | 'removed'; readonly nodeId: NodeId };

export type FindResult =
  | { readonly kind: 'found'; readonly variant: ModelVariant }
  | { readonly kind: 'not_found' }
  /** Several ids of that name, or several digests of the newest version in range. */
  | { readonly kind: 'ambiguous'; readonly variants: readonly ModelVariant[] };

export interface CatalogStats {
  readonly nodes: number;
  readonly models: number;
  readonly variants: number;
  readonly entries: number;
  /** Entries that limits kept out. */
  readonly leftOut: number;
  readonly totalSizeBytes: number;
}

/** A node and where it is found. */
export interface PeerView {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly endpoints: CatalogEndpoints;
}

export interface CatalogNodeView extends PeerView {
  readonly modelCount: number;
}

export interface WordOptions {
  /** How long ago the node said it, when it was not just now. */
  readonly ageMs?: number;
}

export interface PeerContext {
  readonly statsOf?: (nodeId: NodeId) => PeerStats | undefined;
  readonly preferredNodeId?: NodeId;
  /** This machine's own `machine` word, to know neighbours on its loopback. */
  readonly machine?: string;
}
