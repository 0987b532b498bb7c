/**
 * The mesh as the daemon sees it: one door for records, members and invites. Spec: docs/spec/02, 03.
 * Rules: one session at a time; changes of mesh wait for one another; a change is on disk (mesh.json) before the old mesh's
 * records go, and records left by a crash in between are cleared when the log opens.
 */
import { Emitter, type MeshId, messageOf, type NodeId } from '../core/index.ts';
import type { NodeCertificate, SignedRecord } from '../protocol/index.ts';
import {
  enterMesh,
  type Identity,
  type InviteCode,
  initMesh,
  leaveMesh,
  parseInviteCode,
  verifyInviteTime,
} from '../trust/index.ts';
import { MeshError } from './errors.ts';
import { type Invite, type InviteRequest, makeInvite } from './invites.ts';
import { askToJoin } from './join.ts';
import { MESH_LIMITS } from './limits.ts';
import { withKnownPorts } from './listen-addresses.ts';
import type { RecordStore } from './ports.ts';
import type { RecordDraftOfNode, RecordEvent } from './record-log.ts';
import { MeshSession, notAuthority, type SessionOptions } from './session.ts';
import type { ByteStream, PeerEvent, StreamHandler } from './transport.ts';

export interface MeshOptions extends SessionOptions {
  readonly identity: Identity;
  /** The label of this node in certificates that it asks for. */
  readonly nodeName: string;
}

export interface Member {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly role: string;
  readonly expiresAtMs: number;
  readonly revokedAtMs: number | undefined;
  readonly connected: boolean;
  readonly isSelf: boolean;
}

/** This node is in another mesh, has a new certificate, or was put out. */
export type MembershipEvent =
  | { readonly type: 'changed'; readonly identity: Identity }
  | { readonly type: 'put_out'; readonly reason: string };

export class Mesh implements AsyncDisposable {
  readonly recordEvents: Emitter<RecordEvent>;
  readonly peerEvents: Emitter<PeerEvent>;
  readonly membershipEvents: Emitter<MembershipEvent>;
  readonly #options: MeshOptions;
  #identity: Identity;
  #listen: readonly string[];
  #session: MeshSession | undefined;
  readonly #streamHandlers = new Map<string, StreamHandler>();
  #change: Promise<unknown> = Promise.resolve();

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#identity = options.identity;
    this.#listen = options.listen;
    const onThrow = (thrown: unknown) => options.logger.error({ err: thrown }, 'mesh listener failed');
    this.recordEvents = new Emitter(onThrow);
    this.peerEvents = new Emitter(onThrow);
    this.membershipEvents = new Emitter(onThrow);
  }

  get identity(): Identity {
    return this.#identity;
  }

  get nodeId(): NodeId {
    return this.#identity.nodeId;
  }

  get meshId(): MeshId {
    return this.#identity.meshId;
  }

  get role(): string {
    return this.#identity.certificate.role;
  }

  /** Throws MeshError `listen_failed`. */
  async start(): Promise<void> {
    await this.#inTurn(() => this.#begin());
  }

  async stop(): Promise<void> {
    await this.#inTurn(() => this.#end());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Multiaddrs without `/p2p`, best for others first; empty before the start. */
  addresses(): string[] {
    return this.#session?.transport.addresses() ?? [];
  }

  peers(): NodeId[] {
    return this.#session?.transport.peers() ?? [];
  }

  /** Signs, keeps and gossips a record of this node. Throws MeshError `not_started`, `record_refused`. */
  publish(draft: RecordDraftOfNode): SignedRecord {
    return this.#running().log.publish(draft);
  }

  /** Records in force. */
  records(filter?: Parameters<RecordStore['list']>[0]): SignedRecord[] {
    return this.#running().log.list(filter);
  }

  /**
   * A stream to a member, which is connected to first where it must be: directly, through a hole punched in two NATs, or
   * through a member that relays. Throws MeshError `peer_unreachable`, `peer_refused`, `not_started`.
   */
  async openStream(nodeId: NodeId, protocol: string, signal: AbortSignal): Promise<ByteStream> {
    const session = this.#running();
    const { transport } = session;
    if (!transport.peers().includes(nodeId)) await transport.connect(nodeId, session.addressesOf(nodeId), signal);
    return transport.openStream(nodeId, protocol, signal);
  }

  /**
   * A connection to a member at addresses that somebody named, known ones beside them; who answers must prove who it is. Throws MeshError
   * `peer_unreachable`, `peer_refused`, `not_started`.
   */
  async reach(nodeId: NodeId, addresses: readonly string[], signal: AbortSignal): Promise<void> {
    const session = this.#running();
    const known = session.addressesOf(nodeId).filter((address) => !addresses.includes(address));
    await session.transport.connect(nodeId, [...addresses, ...known], signal);
  }

  /** This machine has other addresses than before: connections over the old ones are found out, and peers dialled anew. */
  networkChanged(): void {
    this.#session?.networkChanged();
  }

  /** Whether a stream to the member would go there without another node between, as things are now. */
  isDirect(nodeId: NodeId): boolean {
    return this.#session?.transport.isDirect(nodeId) ?? false;
  }

  /** Serves streams of members, in every session from now on. */
  handleStream(protocol: string, handler: StreamHandler): void {
    this.#streamHandlers.set(protocol, handler);
    this.#session?.transport.handleStream(protocol, handler);
  }

  certificateOf(nodeId: NodeId): NodeCertificate | undefined {
    return this.#session?.log.certificateOf(nodeId);
  }

  isRevoked(nodeId: NodeId): boolean {
    return this.#session?.log.isRevoked(nodeId) ?? false;
  }

  /** Everyone who was ever certified and whose certificate has not run out, those who were put out too. */
  members(): Member[] {
    const { log, transport } = this.#running();
    const connected = new Set(transport.peers());
    return log.certificates().map((certificate) => ({
      nodeId: certificate.node_id,
      name: certificate.name,
      role: certificate.role,
      expiresAtMs: certificate.expires_at,
      revokedAtMs: log.revocationOf(certificate.node_id)?.revokedAtMs,
      connected: connected.has(certificate.node_id),
      isSelf: certificate.node_id === this.nodeId,
    }));
  }

  /** Throws MeshError `not_authority`, `invalid_invite`. */
  invite(request: InviteRequest = {}): Invite {
    const { meshId, nodeId, authority } = this.#identity;
    if (authority === undefined) throw notAuthority('Inviting a node');
    const addresses = this.#running().transport.addresses();
    return makeInvite({ ...this.#options, meshId, nodeId, addresses }, request);
  }

  /** Throws TrustError `invite_mistyped`, `invite_expired`; MeshError `join_refused` and those of connecting. */
  async join(codeText: string, signal?: AbortSignal): Promise<void> {
    const code = parseInviteCode(codeText);
    verifyInviteTime(code, this.#options.clock.nowMs());
    if (code.meshId === this.meshId) throw new MeshError('already_member', 'Joining the mesh: this node is in it');
    await this.#inTurn(() => this.#join(code, signal));
  }

  /** Founds a new mesh with this node as its admin. */
  async init(meshName: string): Promise<void> {
    await this.#inTurn(() => this.#switchTo(() => initMesh(this.#identity, { ...this.#naming(), meshName })));
  }

  /** Back to the mesh of one. Throws MeshError `not_joined`. */
  async leave(): Promise<void> {
    if (this.#identity.authority !== undefined) {
      throw new MeshError('not_joined', 'Leaving the mesh: it is the one of this machine’s own authority');
    }
    await this.#inTurn(() => this.#switchTo(() => leaveMesh(this.#identity, this.#naming())));
  }

  /** Puts a node out for good. Throws MeshError `not_authority`, `unknown_node`. */
  revoke(nodeId: NodeId, reason: string): void {
    const { authority } = this.#identity;
    if (authority === undefined) throw notAuthority('Revoking a node');
    const { log } = this.#running();
    if (log.certificateOf(nodeId) === undefined || nodeId === this.nodeId) {
      throw new MeshError('unknown_node', `Revoking ${nodeId}: it is no other member of this mesh`, {
        data: { nodeId },
      });
    }
    if (!log.isRevoked(nodeId)) log.revoke(authority, nodeId, reason.slice(0, 200));
  }

  async #join(code: InviteCode, signal: AbortSignal | undefined): Promise<void> {
    const { clock, peers, logger, nodeName: name } = this.#options;
    const timeout = AbortSignal.timeout(MESH_LIMITS.joinTimeoutMs);
    const ends = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    const meeting = await this.#running().transport.meet(code.inviter, code.addresses, ends);
    let grant: Awaited<ReturnType<typeof askToJoin>>;
    try {
      grant = await askToJoin(meeting, { code, nodeId: this.nodeId, name, clock, signal: ends });
    } finally {
      await meeting.close();
    }
    await this.#switchTo(() => enterMesh(this.#identity, grant));
    const lastSeenMs = clock.nowMs();
    for (const multiaddr of code.addresses) peers.remember({ nodeId: code.inviter, multiaddr, lastSeenMs });
    try {
      await this.#running().transport.connect(code.inviter, code.addresses, ends);
      await this.#running().sync.reconcileWith(code.inviter);
    } catch (thrown) {
      // The membership is on disk: the dialer goes on trying.
      logger.warn({ reason: messageOf(thrown) }, 'joined, but the inviter is not connected yet');
    }
  }

  /** Ends the session, changes the identity, forgets the old mesh, begins again where it listened before. */
  async #switchTo(change: () => Identity): Promise<void> {
    const { records, peers } = this.#options;
    const wasRunning = this.#session !== undefined;
    await this.#end();
    this.#identity = change();
    records.clear();
    for (const { nodeId } of peers.list()) peers.forget(nodeId);
    if (wasRunning) await this.#begin();
    this.membershipEvents.emit({ type: 'changed', identity: this.#identity });
  }

  async #begin(): Promise<void> {
    if (this.#session !== undefined) return;
    const session = new MeshSession(this.#identity, { ...this.#options, listen: this.#listen });
    session.log.events.on((event) => this.#onRecord(event));
    session.transport.peerEvents.on((event) => this.peerEvents.emit(event));
    for (const [protocol, handler] of this.#streamHandlers) session.transport.handleStream(protocol, handler);
    this.#session = session;
    try {
      await session.start();
    } catch (thrown) {
      this.#session = undefined;
      throw thrown;
    }
    this.#listen = withKnownPorts(this.#listen, session.transport.addresses());
  }

  async #end(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.stop();
  }

  #onRecord(event: RecordEvent): void {
    if (event.type === 'accepted' && event.record.kind === 'certificate') this.#keepOwnCertificate(event.record);
    if (event.type === 'revoked' && event.nodeId === this.nodeId) {
      this.membershipEvents.emit({ type: 'put_out', reason: event.reason });
    }
    this.recordEvents.emit(event);
  }

  /** The authority has renewed us: keep it over restarts. */
  #keepOwnCertificate(record: SignedRecord): void {
    if (record.key !== this.nodeId || record.seq <= this.#identity.certificateRecord.seq) return;
    this.#identity = enterMesh(this.#identity, { meshName: this.#identity.meshName, certificateRecord: record });
    this.membershipEvents.emit({ type: 'changed', identity: this.#identity });
  }

  #naming() {
    return { nodeName: this.#options.nodeName, nowMs: Math.floor(this.#options.clock.nowMs()) };
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#change.then(work, work);
    this.#change = turn.catch(() => {});
    return turn;
  }

  #running(): MeshSession {
    if (this.#session !== undefined) return this.#session;
    throw new MeshError('not_started', 'Using the mesh: it is not started');
  }
}

/** The mesh over libp2p; not started yet. */
export function openMesh(options: MeshOptions): Mesh {
  return new Mesh(options);
}
