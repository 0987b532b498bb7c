/**
 * What the nodes of this mesh say of themselves, each with the role of its certificate: the word of a node on its own role counts
 * nothing. Spec: docs/spec/17-deployment.md §1.8. Follows the records; the payloads are in their authors' hands.
 */
import { type Clock, Emitter, isNodeId, type NodeId } from '../../core/index.ts';
import type { FleetNode, NodeFacts } from '../../deploy/index.ts';
import type { Mesh, RecordEvent } from '../../mesh/index.ts';
import { parseNodeCapabilities, type SignedRecord } from '../../protocol/index.ts';
import type { ModelCatalog } from '../../registry/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { OwnFacts } from './own-facts.ts';

export interface NodeBookOptions {
  readonly mesh: Pick<Mesh, 'nodeId' | 'records' | 'recordEvents' | 'membershipEvents' | 'certificateOf' | 'isRevoked'>;
  readonly own: Pick<OwnFacts, 'current' | 'changes'>;
  readonly catalog: Pick<ModelCatalog, 'getNodes' | 'events'>;
  readonly clock: Clock;
}

export class NodeBook implements Disposable {
  readonly changes = new Emitter<void>();
  readonly #options: NodeBookOptions;
  readonly #stops: (() => void)[];
  /** What each says, by author. */
  readonly #told = new Map<NodeId, NodeFacts>();
  #nodes: readonly FleetNode[] | undefined;
  #online: ReadonlySet<NodeId>;
  /** Until then nobody is missed: who is there has not been heard of yet. */
  readonly #isAwake: () => boolean;

  constructor(options: NodeBookOptions) {
    this.#options = options;
    const { mesh, own, catalog, clock } = options;
    const startedMs = clock.monotonicMs();
    this.#isAwake = () => clock.monotonicMs() - startedMs >= NODE_LIMITS.fleetGraceMs;
    this.#readAll();
    this.#online = this.#heard();
    this.#stops = [
      mesh.recordEvents.on((event) => this.#onRecord(event)),
      mesh.membershipEvents.on(() => this.#startOver()),
      own.changes.on(() => this.#changed()),
      catalog.events.on(() => this.#onHeard()),
      clock.after(NODE_LIMITS.fleetGraceMs, () => this.#changed()),
    ];
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  self(): NodeFacts {
    return this.#options.own.current();
  }

  /** Of a member that said what it is. */
  get(nodeId: NodeId): NodeFacts | undefined {
    return nodeId === this.#options.mesh.nodeId ? this.self() : this.#told.get(nodeId);
  }

  /** Current members that said what they are, this node first. The same list until something changes. */
  nodes(): readonly FleetNode[] {
    this.#nodes ??= [{ facts: this.self(), online: true }, ...this.#others()];
    return this.#nodes;
  }

  #others(): FleetNode[] {
    const isAwake = this.#isAwake();
    return [...this.#told].map(([nodeId, facts]) => ({ facts, online: !isAwake || this.#online.has(nodeId) }));
  }

  #heard(): ReadonlySet<NodeId> {
    return new Set(this.#options.catalog.getNodes().map(({ nodeId }) => nodeId));
  }

  #readAll(): void {
    for (const record of this.#options.mesh.records({ kind: 'capability' })) this.#take(record);
  }

  /** Another mesh, or another certificate: roles may be others. */
  #startOver(): void {
    this.#told.clear();
    this.#readAll();
    this.#changed();
  }

  #onRecord(event: RecordEvent): void {
    if (event.type === 'revoked') {
      if (this.#told.delete(event.nodeId)) this.#changed();
      return;
    }
    const { record } = event;
    if (record.kind === 'certificate' && event.type === 'accepted') this.#rename(record.key as NodeId);
    if (record.kind !== 'capability' || !isNodeId(record.author)) return;
    if (event.type === 'accepted') this.#take(record);
    else this.#told.delete(record.author);
    this.#changed();
  }

  /** A new certificate may have another role. */
  #rename(nodeId: NodeId): void {
    const [record] = this.#options.mesh.records({ kind: 'capability', author: nodeId });
    if (record === undefined) return;
    this.#take(record);
    this.#changed();
  }

  #take(record: SignedRecord): void {
    const { mesh } = this.#options;
    const { author } = record;
    if (!isNodeId(author) || author === mesh.nodeId) return;
    const role = mesh.certificateOf(author)?.role;
    if (role === undefined || mesh.isRevoked(author)) return;
    try {
      this.#told.set(author, { ...parseNodeCapabilities(record.payload), node_id: author, role });
    } catch {
      this.#told.delete(author);
    }
  }

  #onHeard(): void {
    const online = this.#heard();
    const isSame = online.size === this.#online.size && [...online].every((nodeId) => this.#online.has(nodeId));
    if (isSame) return;
    this.#online = online;
    this.#changed();
  }

  #changed(): void {
    this.#nodes = undefined;
    this.changes.emit();
  }
}
