/** How the models of all nodes are, as they tell it. Another mesh is another book. Spec: docs/spec/17-deployment.md §6. */
import { Emitter, isNodeId, type Logger, messageOf, type NodeId } from '../../core/index.ts';
import type { Mesh, RecordEvent } from '../../mesh/index.ts';
import {
  type ModelStatusEntry,
  type ModelStatusPage,
  parseModelStatusPage,
  type SignedRecord,
} from '../../protocol/index.ts';

export interface NodeStatus {
  readonly nodeId: NodeId;
  /** When it last said so. */
  readonly saidAtMs: number;
  readonly models: readonly ModelStatusEntry[];
}

interface KnownPage {
  readonly page: ModelStatusPage;
  readonly saidAtMs: number;
}

export interface StatusBookOptions {
  readonly mesh: Pick<Mesh, 'records' | 'recordEvents' | 'membershipEvents' | 'isRevoked'>;
  readonly logger: Logger;
}

export class StatusBook implements Disposable {
  /** A node said something new, or is gone. */
  readonly changes = new Emitter<NodeId>();
  readonly #options: StatusBookOptions;
  readonly #nodes = new Map<NodeId, Map<number, KnownPage>>();
  readonly #stops: (() => void)[] = [];

  constructor(options: StatusBookOptions) {
    this.#options = options;
    const { mesh } = options;
    this.#readAll();
    this.#stops.push(
      mesh.recordEvents.on((event) => this.#onRecord(event)),
      mesh.membershipEvents.on(() => this.#startOver()),
    );
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** Undefined for a node that has told nothing. */
  of(nodeId: NodeId): NodeStatus | undefined {
    const pages = this.#nodes.get(nodeId);
    if (pages === undefined || pages.size === 0) return undefined;
    const newest = [...pages.values()].reduce((a, b) => (b.saidAtMs > a.saidAtMs ? b : a));
    const inForce = [...pages.values()].filter(({ page }) => page.page < newest.page.pages);
    const models = inForce.toSorted((a, b) => a.page.page - b.page.page).flatMap(({ page }) => page.models);
    return { nodeId, saidAtMs: newest.saidAtMs, models };
  }

  all(): NodeStatus[] {
    return [...this.#nodes.keys()].flatMap((nodeId) => this.of(nodeId) ?? []);
  }

  #readAll(): void {
    for (const record of this.#options.mesh.records({ kind: 'status' })) this.#read(record);
  }

  #startOver(): void {
    const before = [...this.#nodes.keys()];
    this.#nodes.clear();
    this.#readAll();
    for (const nodeId of before) this.changes.emit(nodeId);
  }

  #onRecord(event: RecordEvent): void {
    if (event.type === 'revoked') {
      if (this.#nodes.delete(event.nodeId)) this.changes.emit(event.nodeId);
      return;
    }
    const { record } = event;
    if (record.kind !== 'status' || !isNodeId(record.author)) return;
    if (event.type === 'accepted') this.#read(record);
    else this.#drop(record, record.author);
    this.changes.emit(record.author);
  }

  #read(record: SignedRecord): void {
    const { author, issued_at: saidAtMs } = record;
    if (!isNodeId(author) || this.#options.mesh.isRevoked(author)) return;
    try {
      const page = parseModelStatusPage(record.payload);
      if (String(page.page) !== record.key) throw new Error(`page ${page.page} under the key of another`);
      const pages = this.#nodes.get(author) ?? new Map<number, KnownPage>();
      pages.set(page.page, { page, saidAtMs });
      this.#nodes.set(author, pages);
    } catch (thrown) {
      this.#options.logger.warn({ author, reason: messageOf(thrown) }, 'a status page is refused');
    }
  }

  #drop({ key, issued_at: saidAtMs }: SignedRecord, author: NodeId): void {
    const pages = this.#nodes.get(author);
    if (pages?.get(Number(key))?.saidAtMs === saidAtMs) pages.delete(Number(key));
    if (pages?.size === 0) this.#nodes.delete(author);
  }
}
