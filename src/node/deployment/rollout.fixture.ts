/** Nodes with record logs of their own that hear one another at once, on a clock that moves when told, and coordinate rollouts. */
import { Emitter, type NodeId, silentLogger } from '../../core/index.ts';
import type { FleetNode } from '../../deploy/index.ts';
import type { MembershipEvent } from '../../mesh/index.ts';
import { MemoryRecordStore } from '../../mesh/memory-stores.ts';
import { RecordLog } from '../../mesh/record-log.ts';
import {
  type ModelAccess,
  type ModelStatusEntry,
  parseNodeCapabilities,
  type SignedRecord,
} from '../../protocol/index.ts';
import { makeTestMesh, type TestMesh } from '../../testkit/mesh-members.ts';
import { OLD } from '../../testkit/rollout-sim/make-world.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { type Identity, signRecord } from '../../trust/index.ts';
import { RolloutBook } from './rollout-book.ts';
import { RolloutCoordinator } from './rollout-coordinator.ts';
import { RolloutDesk } from './rollout-desk.ts';
import { rolloutFleet } from './rollout-fleet.ts';

export class RolloutBench {
  readonly clock = new VirtualClock();
  readonly mesh: TestMesh = makeTestMesh('rollouts', this.clock.nowMs());
  readonly nodes: BenchNode[] = [];
  /** What everybody says of the model. */
  readonly statuses = new Map<NodeId, ModelStatusEntry[]>();
  readonly fleet: FleetNode[] = [];
  readonly audit: Readonly<Record<string, unknown>>[] = [];

  node(name: string, role: string): BenchNode {
    const node = new BenchNode(this, this.mesh.member(name, { role }));
    for (const other of this.nodes) {
      other.log.accept(node.identity.certificateRecord, undefined);
      node.log.accept(other.identity.certificateRecord, undefined);
    }
    this.nodes.push(node);
    const hardware = { memory_mb: 4096, cpu_cores: 4, architecture: 'x86_64' };
    const said = { type: 'node_capabilities', node_id: node.id, node_name: name, role, hardware };
    this.fleet.push({ facts: parseNodeCapabilities(said), online: true });
    return node;
  }

  /** To all that are on. */
  spread(record: SignedRecord): void {
    for (const node of this.nodes) if (node.isOn) node.log.accept(record, undefined);
  }

  say(node: BenchNode, ...entries: ModelStatusEntry[]): void {
    this.statuses.set(node.id, entries);
    for (const other of this.nodes) if (other.isOn) other.coordinator.look();
  }

  revoke(node: BenchNode): void {
    const { log } = this.nodes[0] as BenchNode;
    log.revoke(this.mesh.authority, node.id, 'stolen');
    for (const record of log.list({ kind: 'revocation' })) this.spread(record);
  }
}

export class BenchNode {
  readonly identity: Identity;
  readonly log: RecordLog;
  readonly book: RolloutBook;
  coordinator: RolloutCoordinator;
  readonly desk: RolloutDesk;
  readonly policy: { current: ModelAccess | undefined; readonly changes: Emitter<void> };
  isOn = true;
  readonly #makeCoordinator: () => RolloutCoordinator;

  constructor(bench: RolloutBench, identity: Identity) {
    const { clock } = bench;
    this.identity = identity;
    const log = new RecordLog({ identity, store: new MemoryRecordStore(), clock, logger: silentLogger });
    this.log = log;
    this.policy = { current: undefined, changes: new Emitter() };
    const orderContext = () => ({
      certificateOf: log.certificateOf.bind(log),
      isRevoked: log.isRevoked.bind(log),
      policy: this.policy.current,
      nowMs: clock.nowMs(),
    });
    const mesh = {
      ...{ nodeId: identity.nodeId, identity, recordEvents: log.events },
      records: log.list.bind(log),
      membershipEvents: new Emitter<MembershipEvent>(),
      publish: (draft: Parameters<RecordLog['publish']>[0]) => log.publish(draft),
      peers: () => (this.isOn ? bench.nodes.filter((node) => node !== this && node.isOn).map(({ id }) => id) : []),
    };
    log.events.on((event) => {
      const isOwn = event.type === 'accepted' && event.record.author === identity.nodeId && event.via === undefined;
      if (isOwn && this.isOn) queueMicrotask(() => bench.spread(event.record));
    });
    const access = { orderContext, changes: this.policy.changes };
    this.book = new RolloutBook({ mesh, access, clock, logger: silentLogger });
    const fleet = rolloutFleet({
      nodes: () => bench.fleet,
      statusesOf: () => bench.statuses,
      orderContext,
    });
    this.#makeCoordinator = () => new RolloutCoordinator({ mesh, book: this.book, fleet, clock, logger: silentLogger });
    this.coordinator = this.#makeCoordinator();
    this.desk = new RolloutDesk({
      ...{ mesh, book: this.book, coordinator: this.coordinator, fleet, orderContext, clock },
      insist: (facts) => bench.audit.push(facts),
      manifestOf: ({ sha256 }) => (sha256 === OLD.sha256 ? OLD : undefined),
    });
    this.coordinator.start();
  }

  get id(): NodeId {
    return this.identity.nodeId;
  }

  /** As a kill: nothing is said any more, and nothing heard. */
  die(): void {
    this.isOn = false;
    this.coordinator[Symbol.dispose]();
  }

  /** Its cable is out: it runs on, alone. */
  cutOff(): void {
    this.isOn = false;
  }

  /** And in again. */
  reconnect(): void {
    this.isOn = true;
    this.coordinator.look();
  }

  /** As a start after a kill: with what it knew then. */
  revive(): void {
    this.isOn = true;
    this.coordinator = this.#makeCoordinator();
    this.coordinator.start();
  }

  /** What it has missed comes from another. */
  catchUp(other: BenchNode): void {
    for (const record of other.log.list({ kind: 'rollout' })) this.log.accept(record, undefined);
  }

  /** A record that it signs without its own log's consent. */
  forge(key: string, payload: Record<string, unknown>, seq = 9_000_000_000_000): SignedRecord {
    const nowMs = this.identity.certificate.issued_at;
    const signer = { id: this.identity.nodeId, privateKey: this.identity.nodeKey };
    return signRecord({ kind: 'rollout', key, payload, seq, issuedAtMs: nowMs, ttlMs: 86_400_000 }, signer);
  }
}
