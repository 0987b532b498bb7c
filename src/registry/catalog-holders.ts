/**
 * Which node holds which content: of each node's entries those that are counted, bounded in all, whoever was counted
 * first keeping its room. Both directions are kept in step here and nowhere else.
 */
import type { NodeId } from '../core/index.ts';
import { isPackageEntry, type ModelEntry } from '../protocol/index.ts';
import type { CatalogNode } from './catalog-node.ts';
import { REGISTRY_LIMITS } from './limits.ts';
import { NodeIndex } from './node-index.ts';

type Entries = ReturnType<CatalogNode['entries']>;

export class CatalogHolders {
  readonly #counted = new Map<NodeId, Entries>();
  /** How many of them are packages, of nodes that have some. */
  readonly #packages = new Map<NodeId, number>();
  /** Content → its holders. */
  readonly #holders = new NodeIndex();
  #entryCount = 0;
  #leftOut = 0;

  /** Entries that found no room. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** Each content that somebody holds, with who does. */
  all(): Iterable<[string, ReadonlySet<NodeId>]> {
    return this.#holders.all();
  }

  /** Its models; packages are none. */
  countOf(nodeId: NodeId): number {
    return (this.#counted.get(nodeId)?.size ?? 0) - (this.#packages.get(nodeId) ?? 0);
  }

  entryOf(nodeId: NodeId, key: string): ModelEntry | undefined {
    return this.#counted.get(nodeId)?.get(key);
  }

  /** Counts what the node says now; an entry whose fields changed counts as removed and added. */
  recount(node: CatalogNode): { added: number; removed: number } {
    const before: Entries = this.#counted.get(node.nodeId) ?? new Map();
    const wanted = node.entries();
    const room = REGISTRY_LIMITS.catalogEntries - this.#entryCount + before.size;
    const after: Entries = wanted.size <= room ? wanted : new Map([...wanted].slice(0, room));
    this.#leftOut += wanted.size - after.size;
    let [added, removed] = [0, 0];
    for (const [key, entry] of after) {
      if (isSameEntry(before.get(key), entry)) continue;
      added += 1;
      if (before.has(key)) removed += 1;
      this.#holders.add(key, node.nodeId);
    }
    for (const key of before.keys()) {
      if (after.has(key)) continue;
      removed += 1;
      this.#holders.drop(key, node.nodeId);
    }
    this.#entryCount += after.size - before.size;
    this.#counted.set(node.nodeId, after);
    const packages = [...after.values()].filter(isPackageEntry).length;
    if (packages > 0) this.#packages.set(node.nodeId, packages);
    else this.#packages.delete(node.nodeId);
    return { added, removed };
  }

  forget(nodeId: NodeId): void {
    const counted = this.#counted.get(nodeId);
    for (const key of counted?.keys() ?? []) this.#holders.drop(key, nodeId);
    this.#entryCount -= counted?.size ?? 0;
    this.#counted.delete(nodeId);
    this.#packages.delete(nodeId);
  }
}

function isSameEntry(a: ModelEntry | undefined, b: ModelEntry): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
