/** What one node says of itself: pages, endpoints, when it last spoke. Pure state. Spec: docs/spec/09-registry.md §4.1–3. */
import type { NodeId } from '../core/index.ts';
import type { CatalogMessage, Heartbeat, ModelEntry } from '../protocol/index.ts';
import { isPackageEntry, PROTOCOL_LIMITS } from '../protocol/index.ts';
import { REGISTRY_LIMITS } from './limits.ts';

export interface CatalogEndpoints {
  /** Base URLs, best first. */
  readonly http: readonly string[];
  readonly websocket: boolean;
  /** Multiaddrs. */
  readonly mesh: readonly string[];
  readonly machine: string | undefined;
  readonly loopbackPort: number | undefined;
  /** Splice relays, `host:port`, best first. */
  readonly relays?: readonly string[];
}

const NOWHERE: CatalogEndpoints = { http: [], websocket: false, mesh: [], machine: undefined, loopbackPort: undefined };

/** The parts of a parsed `model_catalog` that are read here. */
export interface CatalogWords {
  readonly models: readonly ModelEntry[];
  readonly ttl_seconds: number;
  readonly page?: number | undefined;
  readonly transfer_endpoints: { readonly http?: string | undefined; readonly websocket?: boolean | undefined };
}

/** The parser has checked these fields; its type forgets them, since unknown ones are kept beside them. */
export function toCatalogWords(message: CatalogMessage): CatalogWords {
  return message as unknown as CatalogWords;
}

/** Names content under a model's name: what entries are merged by. A package is never merged with a model, whoever says that it is one. */
export function contentKeyOf(entry: ModelEntry): string {
  const { model_id, version, sha256 } = entry;
  return `${sha256}\n${isPackageEntry(entry) ? '\n' : ''}${model_id}\n${version}`;
}

/** No id is empty. */
export function isPackageKey(key: string): boolean {
  return key.startsWith('\n\n', SHA256_CHARS);
}

const SHA256_CHARS = 64;

export class CatalogNode {
  readonly nodeId: NodeId;
  name: string;
  endpoints: CatalogEndpoints = NOWHERE;
  /** Monotonic time of its last word, and how long that lasts. */
  lastWordMs = Number.NEGATIVE_INFINITY;
  ttlMs: number;
  /** Entries that were not taken. */
  leftOut = 0;
  #whole: readonly ModelEntry[] | undefined;
  readonly #pages = new Map<number, readonly ModelEntry[]>();
  #pageCount: number | undefined;

  constructor(nodeId: NodeId, name: string, ttlMs: number) {
    this.nodeId = nodeId;
    this.name = name;
    this.ttlMs = ttlMs;
  }

  get expiresAtMs(): number {
    return this.lastWordMs + this.ttlMs;
  }

  takeCatalog(message: CatalogWords): void {
    const { page, transfer_endpoints, models } = message;
    const { http, websocket } = transfer_endpoints;
    if (page === undefined) {
      this.#pages.clear();
      this.#whole = this.#bounded(models);
    } else if (this.#pages.has(page) || this.#pages.size < REGISTRY_LIMITS.catalogPagesPerNode) {
      this.#whole = undefined;
      this.#pages.set(page, this.#bounded(models));
    }
    if (page === undefined || http !== undefined)
      this.endpoints = { ...this.endpoints, http: http === undefined ? [] : [http], websocket: websocket ?? false };
  }

  takeHeartbeat(heartbeat: Heartbeat): void {
    const { http, mesh, machine, loopback_port, relays, catalog_pages } = heartbeat;
    this.name = heartbeat.node_name;
    this.endpoints = { ...this.endpoints, http, mesh, machine, loopbackPort: loopback_port, relays };
    this.#pageCount = catalog_pages;
  }

  /** Entries that count, by content; within one node the first of a content stands. */
  entries(): Map<string, ModelEntry> {
    const counted = new Map<string, ModelEntry>();
    for (const entry of this.#counted()) {
      const key = contentKeyOf(entry);
      if (!counted.has(key) && counted.size < REGISTRY_LIMITS.catalogEntriesPerNode) counted.set(key, entry);
    }
    return counted;
  }

  *#counted(): Generator<ModelEntry> {
    if (this.#whole !== undefined) yield* this.#whole;
    const pageCount = this.#pageCount ?? Number.POSITIVE_INFINITY;
    for (const [page, entries] of this.#pages) if (page < pageCount) yield* entries;
  }

  #bounded(models: readonly ModelEntry[]): readonly ModelEntry[] {
    const taken: ModelEntry[] = [];
    for (const model of models) {
      const slim = slimEntry(model);
      if (slim !== undefined && taken.length < REGISTRY_LIMITS.catalogEntriesPerNode) taken.push(slim);
      else this.leftOut += 1;
    }
    return taken;
  }
}

/** Within the byte limit: as it is, else without its classes; undefined when that is still too much. */
function slimEntry(entry: ModelEntry): ModelEntry | undefined {
  if (JSON.stringify(entry).length <= PROTOCOL_LIMITS.catalogEntryBytes) return entry;
  const { classes, ...rest } = entry;
  const slim = { ...rest, ...(classes === undefined ? {} : { class_count: classes.length }) };
  return JSON.stringify(slim).length <= PROTOCOL_LIMITS.catalogEntryBytes ? slim : undefined;
}
