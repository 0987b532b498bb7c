/**
 * One life of this node in one mesh: log, transport, sync, dialer and join desk, started and stopped together. Changing the
 * mesh ends a session and begins another. Order of start: log, handlers, transport, dialer; of stop: the other way round.
 */
import { type Clock, every, type Logger, type NodeId, type Random } from '../core/index.ts';
import { parseHeartbeat, type SignedRecord } from '../protocol/index.ts';
import { type Identity, issueCertificateRecord } from '../trust/index.ts';
import { MemberGate } from './admission-gate.ts';
import { Dialer } from './dialer.ts';
import { MeshError } from './errors.ts';
import { isPastHalfLife } from './half-life.ts';
import { JOIN_PROTOCOL, JoinDesk } from './join-desk.ts';
import { Libp2pTransport } from './libp2p/libp2p-transport.ts';
import { MESH_LIMITS } from './limits.ts';
import type { InviteStore, PeerStore, RecordStore } from './ports.ts';
import { RecordLog } from './record-log.ts';
import { RecordSync } from './record-sync.ts';

export interface SessionOptions {
  readonly records: RecordStore;
  readonly peers: PeerStore;
  readonly invites: InviteStore;
  readonly listen: readonly string[];
  readonly mdns: boolean;
  readonly relayServer: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const MAINTENANCE_MS = 3_600_000;

export class MeshSession {
  readonly identity: Identity;
  readonly log: RecordLog;
  readonly transport: Libp2pTransport;
  readonly sync: RecordSync;
  readonly #options: SessionOptions;
  readonly #desk: JoinDesk;
  readonly #dialer: Dialer;
  readonly #stops: (() => void)[] = [];

  constructor(identity: Identity, options: SessionOptions) {
    const { records: store, clock, logger } = options;
    this.identity = identity;
    this.#options = options;
    this.log = new RecordLog({ identity, store, clock, logger });
    this.transport = this.#makeTransport();
    this.sync = new RecordSync({ ...options, meshId: identity.meshId, log: this.log, transport: this.transport });
    this.#desk = this.#makeDesk();
    this.#dialer = this.#makeDialer();
  }

  /** Throws MeshError `listen_failed`. */
  async start(): Promise<void> {
    this.sync.start();
    this.transport.handle(JOIN_PROTOCOL, (from, message) => this.#desk.answer(from, message), { open: true });
    this.#stops.push(
      this.transport.peerEvents.on((event) => {
        if (event.type === 'connected' && event.address !== undefined) this.#remember(event.nodeId, event.address);
      }),
      this.log.events.on((event) => {
        if (event.type === 'accepted' && event.record.kind === 'certificate') this.#welcome(event.record.key as NodeId);
        // A heartbeat tells addresses: a node with few connections tries them at once.
        if (event.type === 'accepted' && event.record.kind === 'heartbeat') this.#dialer.dialNow();
        if (event.type === 'revoked') this.#options.peers.forget(event.nodeId);
      }),
      every(this.#options.clock, MAINTENANCE_MS, () => this.#maintain()),
    );
    try {
      await this.transport.start();
    } catch (thrown) {
      await this.stop();
      throw thrown;
    }
    this.#maintain();
    this.#dialer.start();
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    const dialer = this.#dialer.stop();
    await this.sync.flush();
    await this.transport.stop();
    await Promise.all([dialer, this.sync.stop()]);
  }

  /** Signs a certificate for a node and publishes it. Throws MeshError `not_authority`. */
  certify(nodeId: NodeId, role: string, name: string): SignedRecord {
    const { authority } = this.identity;
    if (authority === undefined) throw notAuthority('Certifying a node');
    const nowMs = Math.floor(this.#options.clock.nowMs());
    const serial = this.log.nextSeq(authority.id);
    return this.log.publishSigned(issueCertificateRecord(authority, { nodeId, role, name, serial, nowMs }));
  }

  networkChanged(): void {
    this.transport.checkPeers();
    this.#dialer.beginAnew();
  }

  /** Where a node says that it can be dialled, and where it was before. */
  addressesOf(nodeId: NodeId): string[] {
    const told = this.log.list({ author: nodeId, kind: 'heartbeat' }).flatMap(addressesOf);
    const known = this.#options.peers.list().filter((peer) => peer.nodeId === nodeId);
    return [...told.flatMap(({ addresses }) => addresses), ...known.map(({ multiaddr }) => multiaddr)];
  }

  #makeTransport(): Libp2pTransport {
    const { identity, log } = this;
    const { clock } = this.#options;
    const { meshId, nodeId, certificateRecord } = identity;
    const gate = new MemberGate({ meshId, nodeId, certificateRecord, log, clock });
    return new Libp2pTransport({ ...this.#options, identity, gate });
  }

  #makeDesk(): JoinDesk {
    const { meshId, meshName, nodeId } = this.identity;
    const { invites, clock } = this.#options;
    return new JoinDesk({
      meshId,
      meshName,
      nodeId,
      invites,
      clock,
      isRevoked: (node) => this.log.isRevoked(node),
      certificateRecordOf: (node) => this.log.certificateRecordOf(node),
      certify: (node, role, name) => this.certify(node, role, name),
    });
  }

  #makeDialer(): Dialer {
    const { transport, log } = this;
    return new Dialer({
      ...this.#options,
      transport,
      announced: () => log.list({ kind: 'heartbeat' }).flatMap(addressesOf),
      isShunned: (nodeId) => transport.refused.isPaused(nodeId) || log.isRevoked(nodeId),
    });
  }

  #remember(nodeId: NodeId, multiaddr: string): void {
    const { peers, clock } = this.#options;
    peers.remember({ nodeId, multiaddr, lastSeenMs: clock.nowMs() });
    const all = peers.list();
    if (all.length <= MESH_LIMITS.candidatesRemembered) return;
    const oldest = all.toSorted((a, b) => a.lastSeenMs - b.lastSeenMs)[0];
    if (oldest !== undefined) peers.forget(oldest.nodeId);
  }

  /** Whoever has just been certified may have been refused a moment ago. */
  #welcome(nodeId: NodeId): void {
    this.transport.refused.forgive(nodeId);
  }

  /** On the authority's machine: certificates in the second half of their life are renewed. */
  #maintain(): void {
    this.#desk.forgetOld();
    if (this.identity.authority === undefined) return;
    const nowMs = this.#options.clock.nowMs();
    for (const certificate of this.log.certificates()) {
      const { node_id, role, name } = certificate;
      if (isPastHalfLife(certificate, nowMs) && !this.log.isRevoked(node_id)) this.certify(node_id, role, name);
    }
  }
}

export function notAuthority(action: string): MeshError {
  return new MeshError('not_authority', `${action}: this machine does not hold the key of the mesh's authority`);
}

/** A heartbeat that does not parse tells no address. */
function addressesOf({ author, payload }: SignedRecord): { nodeId: NodeId; addresses: string[] }[] {
  try {
    return [{ nodeId: author as NodeId, addresses: parseHeartbeat(payload).mesh }];
  } catch {
    return [];
  }
}
