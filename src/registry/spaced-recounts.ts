/**
 * When a node of the catalog is counted anew. Counting costs as much as the node has entries: what a node can make us do for
 * its pages is bounded. Spec: docs/spec/09-registry.md §4.
 */
import type { Clock, NodeId } from '../core/index.ts';
import type { CatalogNode } from './catalog-node.ts';

/** A node with this many entries is counted anew at most once in `RECOUNT_MS`, however many pages it sends. */
const MANY_ENTRIES = 2000;
const RECOUNT_MS = 1000;

interface Settling {
  readonly node: CatalogNode;
  /** Something came since it was counted. */
  again: boolean;
  readonly cancel: () => void;
}

export class SpacedRecounts {
  readonly #clock: Clock;
  readonly #recount: (node: CatalogNode) => number;
  /** Nodes with many entries that were counted a moment ago. */
  readonly #settling = new Map<NodeId, Settling>();

  /** `recount` yields how many entries the node has. */
  constructor(clock: Clock, recount: (node: CatalogNode) => number) {
    this.#clock = clock;
    this.#recount = recount;
  }

  /** Now, or when its time has come. */
  ask(node: CatalogNode): void {
    const { nodeId } = node;
    const settling = this.#settling.get(nodeId);
    if (settling !== undefined) {
      settling.again = true;
      return;
    }
    if (this.#recount(node) < MANY_ENTRIES) return;
    const cancel = this.#clock.after(RECOUNT_MS, () => this.#settled(node));
    this.#settling.set(nodeId, { node, again: false, cancel });
  }

  /** For who asks for everything: as if nothing had waited. */
  settleAll(): void {
    for (const { node, again, cancel } of [...this.#settling.values()]) {
      if (!again) continue;
      cancel();
      this.#settled(node);
    }
  }

  forget(nodeId: NodeId): void {
    this.#settling.get(nodeId)?.cancel();
    this.#settling.delete(nodeId);
  }

  close(): void {
    for (const nodeId of [...this.#settling.keys()]) this.forget(nodeId);
  }

  #settled(node: CatalogNode): void {
    const again = this.#settling.get(node.nodeId)?.again;
    this.#settling.delete(node.nodeId);
    if (again === true) this.ask(node);
  }
}
