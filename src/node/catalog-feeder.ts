/**
 * Carries what the mesh's records say into the merged catalog: pages and heartbeats as they are accepted, all of a
 * node's pages again when it is heard of after its word had run out. Spec: docs/spec/04-catalog.md §5.
 */
import { type Clock, isNodeId, type Logger, messageOf, type NodeId } from '../core/index.ts';
import type { Mesh, RecordEvent } from '../mesh/index.ts';
import { parseHeartbeat, type SignedRecord } from '../protocol/index.ts';
import type { ModelCatalog } from '../registry/index.ts';

export interface CatalogFeederOptions {
  readonly mesh: Pick<Mesh, 'nodeId' | 'isRevoked' | 'records' | 'recordEvents' | 'membershipEvents'>;
  readonly catalog: ModelCatalog;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class CatalogFeeder implements Disposable {
  readonly #options: CatalogFeederOptions;
  readonly #stops: (() => void)[] = [];

  constructor(options: CatalogFeederOptions) {
    this.#options = options;
  }

  /** Feeds what is stored, then listens. The mesh must be started. */
  start(): void {
    const { mesh } = this.#options;
    this.#feedAll();
    this.#stops.push(
      mesh.recordEvents.on((event) => this.#onRecord(event)),
      mesh.membershipEvents.on(() => this.#startOver()),
    );
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #feedAll(): void {
    for (const record of this.#options.mesh.records({ kind: 'heartbeat' })) this.#feedHeartbeat(record);
  }

  /** Another mesh, or none any more: nothing of the old one counts. */
  #startOver(): void {
    const { mesh, catalog } = this.#options;
    for (const { nodeId } of catalog.getNodes()) catalog.removeNode(nodeId);
    if (!mesh.isRevoked(mesh.nodeId)) this.#feedAll();
  }

  #onRecord(event: RecordEvent): void {
    if (event.type === 'revoked') this.#options.catalog.removeNode(event.nodeId);
    if (event.type !== 'accepted') return;
    if (event.record.kind === 'heartbeat') this.#feedHeartbeat(event.record);
    if (event.record.kind === 'catalog') this.#feedPage(event.record);
  }

  #feedHeartbeat(record: SignedRecord): void {
    const { catalog, mesh } = this.#options;
    const nodeId = this.#otherNode(record);
    if (nodeId === undefined) return;
    const isNew = !catalog.getNodes().some((node) => node.nodeId === nodeId);
    try {
      const heartbeat = parseHeartbeat(record.payload);
      if (heartbeat.leaving === true) {
        catalog.removeNode(nodeId);
        return;
      }
      catalog.processHeartbeat(nodeId, heartbeat, { ageMs: this.#ageOf(record) });
    } catch (thrown) {
      this.#note(record, thrown);
      return;
    }
    if (isNew) for (const page of mesh.records({ kind: 'catalog', author: nodeId })) this.#feedPage(page);
  }

  #feedPage(record: SignedRecord): void {
    const nodeId = this.#otherNode(record);
    if (nodeId === undefined) return;
    const { catalog } = this.#options;
    // A page says nothing of the node's life: the heartbeat does.
    const known = catalog.getNodes().find((node) => node.nodeId === nodeId);
    if (known === undefined) return;
    const payload = { ...record.payload, node_id: nodeId, page: Number(record.key) };
    try {
      catalog.processCatalogMessage(nodeId, known.name, payload, { ageMs: this.#ageOf(record) });
    } catch (thrown) {
      this.#note(record, thrown);
    }
  }

  #otherNode({ author }: SignedRecord): NodeId | undefined {
    return isNodeId(author) && author !== this.#options.mesh.nodeId ? author : undefined;
  }

  #ageOf(record: SignedRecord): number {
    return Math.max(0, this.#options.clock.nowMs() - record.issued_at);
  }

  #note(record: SignedRecord, thrown: unknown): void {
    const { author, kind, key } = record;
    this.#options.logger.warn(
      { author, kind, key, reason: messageOf(thrown) },
      'a signed record has a payload that is refused',
    );
  }
}
