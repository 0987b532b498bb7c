/**
 * The transport over libp2p 3. Spec: docs/spec/02-records.md §2, §6; 03-trust.md §8.
 * Rules: everything that a stream or an event throws ends here (an unhandled rejection would end the daemon); `stop`
 * returns when nothing of it runs any more. Who is admitted is `connected-peers.ts`.
 */
import type { Connection } from '@libp2p/interface';
import { type Clock, Emitter, type Logger, type MeshId, messageOf, type NodeId } from '../../core/index.ts';
import type { Identity } from '../../trust/index.ts';
import { MeshError } from '../errors.ts';
import { MESH_LIMITS } from '../limits.ts';
import type { RefusedPeers } from '../refused-peers.ts';
import { TokenBuckets } from '../token-bucket.ts';
import type {
  AdmissionGate,
  ByteStream,
  GossipHandler,
  Meeting,
  MeshTransport,
  PeerEvent,
  RequestHandler,
  RequestOptions,
  StreamHandler,
} from '../transport.ts';
import { inTellingOrder, isRelayed, toDialable, toNodeId, withoutPeer } from './addresses.ts';
import { askOn } from './ask-on.ts';
import { openByteStream } from './byte-stream.ts';
import { ConnectedPeers, endConnection } from './connected-peers.ts';
import { createNode, type Libp2pNode, topicOf } from './create-node.ts';
import { isAlive } from './is-alive.ts';
import { ServedProtocols } from './served-protocols.ts';

export interface Libp2pTransportOptions {
  readonly identity: Pick<Identity, 'nodeId' | 'nodeKey' | 'meshId'>;
  readonly gate: AdmissionGate;
  readonly listen: readonly string[];
  readonly mdns: boolean;
  readonly relayServer: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Libp2pTransport implements MeshTransport {
  readonly nodeId: NodeId;
  readonly peerEvents: Emitter<PeerEvent>;
  readonly #options: Libp2pTransportOptions;
  readonly #meshId: MeshId;
  readonly #logger: Logger;
  readonly #connected: ConnectedPeers;
  readonly #strikes: TokenBuckets<NodeId>;
  readonly #served: ServedProtocols;
  readonly #meetings = new Set<NodeId>();
  #onGossip: GossipHandler = () => 'ignore';
  #node: Libp2pNode | undefined;

  constructor(options: Libp2pTransportOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.nodeId = options.identity.nodeId;
    this.#meshId = options.identity.meshId;
    this.peerEvents = new Emitter((thrown) => this.#logger.error({ err: thrown }, 'peer listener failed'));
    this.#connected = new ConnectedPeers({
      ...options,
      events: this.peerEvents,
      onAgain: (nodeId) => void this.#check(nodeId),
    });
    const onNonsense = (from: NodeId): void => this.#strike(from);
    this.#served = new ServedProtocols({ connected: this.#connected, onNonsense, logger: this.#logger });
    const perMinute = MESH_LIMITS.strikesPerMinute;
    this.#strikes = new TokenBuckets({ burst: perMinute, perSecond: perMinute / 60 }, options.clock);
  }

  get refused(): RefusedPeers {
    return this.#connected.refused;
  }

  async start(): Promise<void> {
    const { identity, listen, mdns, relayServer } = this.#options;
    const node = await createNode({
      nodeKey: identity.nodeKey,
      meshId: identity.meshId,
      listen,
      mdns,
      relayServer,
      admissions: this.#connected.admissions,
      isNuisance: (peerId) => this.refused.isNuisance(toNodeId(peerId)),
    });
    this.#node = node;
    this.#listenToNode(node);
    await this.#served.registerOn(node);
    try {
      await node.start();
    } catch (cause) {
      await this.stop();
      const problem = /listen E\w+[^\n]*/.exec(messageOf(cause))?.[0] ?? messageOf(cause).split('\n', 1)[0];
      throw new MeshError('listen_failed', `Opening the mesh on ${listen.join(', ')}: ${problem}`, { cause });
    }
    node.services.pubsub.subscribe(topicOf(this.#meshId));
  }

  async stop(): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    this.#served.forgetNode();
    if (node === undefined) return;
    await node.stop();
    this.#connected.loseAll();
  }

  addresses(): string[] {
    const all = this.#node?.getMultiaddrs() ?? [];
    return inTellingOrder(all.map((address) => withoutPeer(address.toString())));
  }

  peers(): NodeId[] {
    return this.#connected.list();
  }

  onGossip(handler: GossipHandler): void {
    this.#onGossip = handler;
  }

  async publish(frame: Uint8Array): Promise<void> {
    await this.#running().services.pubsub.publish(topicOf(this.#meshId), frame);
  }

  handle(protocol: string, handler: RequestHandler, options: { readonly open?: boolean } = {}): void {
    this.#served.handle(protocol, handler, options.open ?? false);
  }

  async request(peer: NodeId, protocol: string, message: unknown, options: RequestOptions = {}): Promise<unknown> {
    const connection = this.#connected.connectionTo(peer);
    if (connection === undefined) throw unreachable(peer, 'it is not connected');
    return askOn(connection, protocol, message, options);
  }

  isDirect(peer: NodeId): boolean {
    const connection = this.#connected.connectionTo(peer);
    return connection !== undefined && !isRelayed(connection.remoteAddr.toString());
  }

  async openStream(peer: NodeId, protocol: string, signal: AbortSignal): Promise<ByteStream> {
    const connection = this.#connected.connectionTo(peer);
    if (connection === undefined) throw unreachable(peer, 'it is not connected');
    try {
      return await openByteStream(connection, protocol, signal);
    } catch (cause) {
      throw unreachable(peer, messageOf(cause), cause);
    }
  }

  handleStream(protocol: string, handler: StreamHandler): void {
    this.#served.handleStream(protocol, handler);
  }

  async connect(nodeId: NodeId, addresses: readonly string[], signal?: AbortSignal): Promise<void> {
    if (this.#connected.has(nodeId)) return;
    const connection = await this.#dial(nodeId, addresses, false, signal);
    if (await this.#connected.admissions.wait(connection)) return;
    const reason = this.#connected.refusalOf(connection);
    if (reason === undefined) throw unreachable(nodeId, 'the connection ended before it was admitted');
    throw new MeshError('peer_refused', `Connecting to ${nodeId}: ${reason}`, { data: { reason } });
  }

  async meet(nodeId: NodeId, addresses: readonly string[], signal?: AbortSignal): Promise<Meeting> {
    this.#meetings.add(nodeId);
    try {
      const connection = await this.#dial(nodeId, addresses, true, signal);
      return {
        ask: (protocol, message, options = {}) => askOn(connection, protocol, message, options),
        close: () => endConnection(connection),
      };
    } finally {
      this.#meetings.delete(nodeId);
    }
  }

  async disconnect(nodeId: NodeId): Promise<void> {
    await Promise.all(this.#connectionsOf(nodeId).map(endConnection));
  }

  /** Drops peers that do not answer any more. */
  checkPeers(): void {
    for (const peer of this.peers()) void this.#check(peer);
  }

  /**
   * One dead connection ends them all: gossip stays on the connection where it began, and would stay silent beside a newer one.
   * Whoever is still there dials again.
   */
  async #check(peer: NodeId): Promise<void> {
    const alive = await Promise.all(this.#connectionsOf(peer).map(isAlive));
    if (alive.every(Boolean)) return;
    this.#logger.debug({ peer }, 'peer does not answer');
    for (const connection of this.#connectionsOf(peer)) connection.abort(unreachable(peer, 'it does not answer'));
  }

  #connectionsOf(nodeId: NodeId): Connection[] {
    return this.#node?.getConnections().filter(({ remotePeer }) => toNodeId(remotePeer) === nodeId) ?? [];
  }

  async #dial(nodeId: NodeId, addresses: readonly string[], force: boolean, signal?: AbortSignal): Promise<Connection> {
    const targets = toDialable(nodeId, addresses);
    if (targets.length === 0) throw unreachable(nodeId, 'no address of it is known');
    try {
      return await this.#running().dial(targets, { force, ...(signal !== undefined && { signal }) });
    } catch (cause) {
      throw unreachable(nodeId, messageOf(cause), cause);
    }
  }

  #listenToNode(node: Libp2pNode): void {
    node.addEventListener('connection:open', ({ detail: connection }) => {
      const isMeeting = this.#meetings.has(toNodeId(connection.remotePeer));
      this.#connected.greet(connection, isMeeting).catch((thrown: unknown) => {
        this.#logger.debug({ reason: messageOf(thrown) }, 'connection not greeted');
      });
    });
    node.addEventListener('connection:close', ({ detail: connection }) => this.#connected.noteClosed(connection));
    node.addEventListener('peer:discovery', ({ detail: { id, multiaddrs } }) => {
      const addresses = multiaddrs.map((address) => withoutPeer(address.toString()));
      if (addresses.length > 0) this.peerEvents.emit({ type: 'discovered', nodeId: toNodeId(id), addresses });
    });
    const { pubsub } = node.services;
    const topic = topicOf(this.#meshId);
    pubsub.topicValidators.set(topic, (peerId, message) => this.#judge(toNodeId(peerId), message.data) as never);
    pubsub.addEventListener('subscription-change', ({ detail: { peerId, subscriptions } }) => {
      const subscribed = subscriptions.some((one) => one.topic === topic && one.subscribe);
      const nodeId = toNodeId(peerId);
      if (subscribed && this.#connected.has(nodeId)) this.peerEvents.emit({ type: 'gossiping', nodeId });
    });
  }

  /** gossipsub's own words for the verdict are the same three. */
  #judge(from: NodeId, frame: Uint8Array): string {
    const verdict = this.#onGossip(frame, from);
    if (verdict === 'reject') this.#strike(from);
    return verdict;
  }

  /** A peer that goes on sending nonsense is cut off. */
  #strike(nodeId: NodeId): void {
    this.#logger.debug({ peer: nodeId }, 'nonsense from a peer');
    if (this.#strikes.take(nodeId) === 0) return;
    this.#logger.warn({ peer: nodeId }, 'peer cut off after repeated nonsense');
    this.refused.note(nodeId);
    void this.disconnect(nodeId);
  }

  #running(): Libp2pNode {
    if (this.#node !== undefined) return this.#node;
    throw new MeshError('not_started', 'Using the mesh: it is not started');
  }
}

function unreachable(nodeId: NodeId, why: string, cause?: unknown): MeshError {
  return new MeshError('peer_unreachable', `Reaching ${nodeId}: ${why}`, { data: { nodeId }, cause });
}
