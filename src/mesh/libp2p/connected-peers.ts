/**
 * Which connections are peers: the hello on each, the decision, and the end of those that are refused. A connection is a
 * peer from its admission to its close. What a stream throws ends here. Spec: docs/spec/03-trust.md §8.
 */
import type { Connection, Stream } from '@libp2p/interface';
import { type Clock, type Emitter, type Logger, messageOf, type NodeId } from '../../core/index.ts';
import { type RefusalReason, toRefusal } from '../../protocol/index.ts';
import { MESH_LIMITS } from '../limits.ts';
import { RefusedPeers } from '../refused-peers.ts';
import type { AdmissionGate, PeerEvent } from '../transport.ts';
import { isRelayed, toNodeId, withoutPeer } from './addresses.ts';
import { Admissions } from './admissions.ts';
import { askOn } from './ask-on.ts';
import { readFrame, sendFrame, toError } from './frame-stream.ts';

export const HELLO_PROTOCOL = '/atmosphere/hello/1';

export interface ConnectedPeersOptions {
  readonly gate: AdmissionGate;
  readonly events: Emitter<PeerEvent>;
  /** A peer that was connected came in again: it may have lost the other connection without our knowing. */
  readonly onAgain: (nodeId: NodeId) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ConnectedPeers {
  readonly admissions: Admissions;
  readonly refused: RefusedPeers;
  readonly #gate: AdmissionGate;
  readonly #events: Emitter<PeerEvent>;
  readonly #logger: Logger;
  readonly #onAgain: (nodeId: NodeId) => void;
  readonly #peers = new Map<NodeId, Set<Connection>>();
  /** Why, of connections that are still open. */
  readonly #refusals = new Map<string, RefusalReason>();

  constructor({ gate, events, onAgain, clock, logger }: ConnectedPeersOptions) {
    this.#onAgain = onAgain;
    this.#gate = gate;
    this.#events = events;
    this.#logger = logger;
    this.refused = new RefusedPeers(clock);
    this.admissions = new Admissions((connection) => this.#refuse(connection, 'not_certified'));
  }

  list(): NodeId[] {
    return [...this.#peers.keys()];
  }

  has(nodeId: NodeId): boolean {
    return this.#peers.has(nodeId);
  }

  /** The most direct of the admitted connections to it. */
  connectionTo(nodeId: NodeId): Connection | undefined {
    const connections = [...(this.#peers.get(nodeId) ?? [])].filter(({ status }) => status === 'open');
    return connections.find(({ remoteAddr }) => !isRelayed(remoteAddr.toString())) ?? connections[0];
  }

  refusalOf(connection: Connection): RefusalReason | undefined {
    return this.#refusals.get(connection.id);
  }

  /** The dialling side speaks first; on a connection that is only for a meeting (a join) it says no hello. */
  async greet(connection: Connection, isMeeting: boolean): Promise<void> {
    const nodeId = toNodeId(connection.remotePeer);
    void this.admissions.wait(connection);
    if (connection.direction !== 'outbound' || isMeeting) return;
    try {
      const timeoutMs = MESH_LIMITS.admissionTimeoutMs;
      const answer = await askOn(connection, HELLO_PROTOCOL, this.#gate.hello(), { timeoutMs });
      this.#decide(connection, this.#gate.check(nodeId, answer));
    } catch (thrown) {
      this.#logger.debug({ peer: nodeId, reason: messageOf(thrown) }, 'hello not answered');
      if (connection.status === 'open') this.#refuse(connection, 'malformed');
    }
  }

  async answerHello(stream: Stream, connection: Connection): Promise<void> {
    const nodeId = toNodeId(connection.remotePeer);
    const signal = AbortSignal.timeout(MESH_LIMITS.admissionTimeoutMs);
    try {
      const reason = this.#gate.check(nodeId, await readFrame(stream, signal));
      await sendFrame(stream, reason === undefined ? this.#gate.hello() : toRefusal(reason), signal);
      await stream.close({ signal });
      this.#decide(connection, reason);
    } catch (thrown) {
      stream.abort(toError(thrown));
      this.#decide(connection, 'malformed');
    }
  }

  noteClosed(connection: Connection): void {
    const nodeId = toNodeId(connection.remotePeer);
    this.#refusals.delete(connection.id);
    const connections = this.#peers.get(nodeId);
    if (connections?.delete(connection) && connections.size === 0) this.#lose(nodeId);
  }

  loseAll(): void {
    for (const peer of this.list()) this.#lose(peer);
  }

  #decide(connection: Connection, reason: RefusalReason | undefined): void {
    if (reason !== undefined) this.#refuse(connection, reason);
    else if (this.admissions.decide(connection, true)) this.#gain(connection);
  }

  #refuse(connection: Connection, reason: RefusalReason): void {
    const nodeId = toNodeId(connection.remotePeer);
    this.#refusals.set(connection.id, reason);
    this.admissions.decide(connection, false);
    this.refused.note(nodeId);
    this.#logger.info({ peer: nodeId, reason }, 'peer refused');
    this.#events.emit({ type: 'refused', nodeId, reason });
    // The side that was asked leaves the other the time to read why: closing at once would overtake the answer.
    if (connection.direction === 'outbound') void endConnection(connection);
    else setTimeout(() => void endConnection(connection), MESH_LIMITS.refusalLingerMs).unref();
  }

  #gain(connection: Connection): void {
    const nodeId = toNodeId(connection.remotePeer);
    this.refused.forgive(nodeId);
    const connections = this.#peers.get(nodeId) ?? new Set();
    const isFirst = connections.size === 0;
    this.#peers.set(nodeId, connections.add(connection));
    const address = connection.direction === 'outbound' ? withoutPeer(connection.remoteAddr.toString()) : undefined;
    if (isFirst) this.#events.emit({ type: 'connected', nodeId, ...(address !== undefined && { address }) });
    else if (connection.direction === 'inbound') this.#onAgain(nodeId);
  }

  #lose(nodeId: NodeId): void {
    if (this.#peers.delete(nodeId)) this.#events.emit({ type: 'disconnected', nodeId });
  }
}

export async function endConnection(connection: Connection): Promise<void> {
  try {
    await connection.close();
  } catch (thrown) {
    connection.abort(toError(thrown));
  }
}
