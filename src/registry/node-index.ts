/** Which nodes have something, by the name of that thing. */
import type { NodeId } from '../core/index.ts';

const NOBODY: ReadonlySet<NodeId> = new Set();

export class NodeIndex {
  readonly #nodes = new Map<string, Set<NodeId>>();

  /** In the order in which they were added. */
  of(key: string): ReadonlySet<NodeId> {
    return this.#nodes.get(key) ?? NOBODY;
  }

  /** Keys that somebody has, with who does. */
  all(): Iterable<[string, ReadonlySet<NodeId>]> {
    return this.#nodes;
  }

  add(key: string, nodeId: NodeId): void {
    const nodes = this.#nodes.get(key);
    if (nodes === undefined) this.#nodes.set(key, new Set([nodeId]));
    else nodes.add(nodeId);
  }

  drop(key: string, nodeId: NodeId): void {
    const nodes = this.#nodes.get(key);
    nodes?.delete(nodeId);
    if (nodes?.size === 0) this.#nodes.delete(key);
  }
}
