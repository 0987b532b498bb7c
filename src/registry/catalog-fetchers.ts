/** Which nodes fetch which blob now, as their latest heartbeats say. Both directions are kept in step here and nowhere else. */
import type { NodeId } from '../core/index.ts';
import { NodeIndex } from './node-index.ts';

export class CatalogFetchers {
  readonly #byNode = new Map<NodeId, ReadonlySet<string>>();
  readonly #byBlob = new NodeIndex();

  /** In the order in which they were heard to begin. */
  of(sha256: string): ReadonlySet<NodeId> {
    return this.#byBlob.of(sha256);
  }

  /** Replaces what the node said before; false when it said the same. How many, the heartbeat's parser bounds. */
  set(nodeId: NodeId, digests: readonly string[]): boolean {
    const before = this.#byNode.get(nodeId) ?? new Set();
    const after = new Set(digests);
    if (before.size === after.size && digests.every((sha256) => before.has(sha256))) return false;
    for (const sha256 of before) if (!after.has(sha256)) this.#byBlob.drop(sha256, nodeId);
    for (const sha256 of after) this.#byBlob.add(sha256, nodeId);
    if (after.size === 0) this.#byNode.delete(nodeId);
    else this.#byNode.set(nodeId, after);
    return true;
  }

  forget(nodeId: NodeId): void {
    this.set(nodeId, []);
  }
}
