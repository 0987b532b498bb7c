/** Which nodes fetch which blob now, as their latest heartbeats say. Both directions are kept in step here and nowhere else. */
import type { NodeId } from '../core/index.ts';

const NOBODY: ReadonlySet<NodeId> = new Set();

export class CatalogFetchers {
  readonly #byNode = new Map<NodeId, ReadonlySet<string>>();
  readonly #byBlob = new Map<string, Set<NodeId>>();

  /** In the order in which they were heard to begin. */
  of(sha256: string): ReadonlySet<NodeId> {
    return this.#byBlob.get(sha256) ?? NOBODY;
  }

  /** Replaces what the node said before; false when it said the same. How many, the heartbeat's parser bounds. */
  set(nodeId: NodeId, digests: readonly string[]): boolean {
    const before = this.#byNode.get(nodeId) ?? new Set();
    const after = new Set(digests);
    if (before.size === after.size && digests.every((sha256) => before.has(sha256))) return false;
    for (const sha256 of before) if (!after.has(sha256)) this.#drop(sha256, nodeId);
    for (const sha256 of after) this.#add(sha256, nodeId);
    if (after.size === 0) this.#byNode.delete(nodeId);
    else this.#byNode.set(nodeId, after);
    return true;
  }

  forget(nodeId: NodeId): void {
    this.set(nodeId, []);
  }

  #add(sha256: string, nodeId: NodeId): void {
    const nodes = this.#byBlob.get(sha256);
    if (nodes === undefined) this.#byBlob.set(sha256, new Set([nodeId]));
    else nodes.add(nodeId);
  }

  #drop(sha256: string, nodeId: NodeId): void {
    const nodes = this.#byBlob.get(sha256);
    nodes?.delete(nodeId);
    if (nodes?.size === 0) this.#byBlob.delete(sha256);
  }
}
