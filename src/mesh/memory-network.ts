/**
 * The transport in memory: many nodes in one process, with latency and cuts, on whatever clock is given. First class: the
 * simulator and the 200-node test run on it. Messages pass through JSON, so that nothing is shared by accident.
 */
import { createHash } from 'node:crypto';
import { type Clock, Emitter, type NodeId } from '../core/index.ts';
import { encodeFrame } from '../protocol/index.ts';
import { MeshError } from './errors.ts';
import { MemoryByteStream } from './memory-stream.ts';
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
} from './transport.ts';

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  readonly latencyMs?: number;
}

export interface MemoryNetwork {
  /** A node's transport; not connected to anyone yet. */
  createTransport(nodeId: NodeId, gate: AdmissionGate): MeshTransport;
  /** Cuts the network in groups: connections across are closed and cannot be made until `heal`. */
  partition(groups: readonly (readonly NodeId[])[]): void;
  heal(): void;
  /** Bytes that were carried, all in all. */
  readonly carriedBytes: number;
}

export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  return new Network(options);
}

class Network implements MemoryNetwork {
  readonly nodes = new Map<NodeId, MemoryTransport>();
  readonly #clock: Clock;
  readonly #latencyMs: number;
  #groups: readonly (readonly NodeId[])[] = [];
  carriedBytes = 0;

  constructor({ clock, latencyMs = 0 }: MemoryNetworkOptions) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
  }

  createTransport(nodeId: NodeId, gate: AdmissionGate): MeshTransport {
    return new MemoryTransport(this, nodeId, gate);
  }

  partition(groups: readonly (readonly NodeId[])[]): void {
    this.#groups = groups;
    for (const node of this.nodes.values()) {
      for (const peer of node.peers()) if (!this.areJoined(node.nodeId, peer)) node.cut(peer);
    }
  }

  heal(): void {
    this.#groups = [];
  }

  areJoined(one: NodeId, other: NodeId): boolean {
    if (this.#groups.length === 0) return true;
    return this.#groups.some((group) => group.includes(one) && group.includes(other));
  }

  /** The node at the other end, if it is up and within reach. */
  reach(from: NodeId, to: NodeId): MemoryTransport | undefined {
    return this.areJoined(from, to) ? this.nodes.get(to) : undefined;
  }

  async travel(bytes: number): Promise<void> {
    this.carriedBytes += bytes;
    await new Promise<void>((resolve) => this.#clock.after(this.#latencyMs, resolve));
  }
}

const SEEN_FRAMES = 5000;

class MemoryTransport implements MeshTransport {
  readonly nodeId: NodeId;
  readonly peerEvents = new Emitter<PeerEvent>();
  readonly gate: AdmissionGate;
  readonly #network: Network;
  readonly #peers = new Set<NodeId>();
  readonly #handlers = new Map<string, { handler: RequestHandler; open: boolean }>();
  readonly #streamHandlers = new Map<string, StreamHandler>();
  readonly #streams = new Map<MemoryByteStream, NodeId>();
  readonly #seen = new Set<string>();
  #onGossip: GossipHandler = () => 'ignore';

  constructor(network: Network, nodeId: NodeId, gate: AdmissionGate) {
    this.#network = network;
    this.nodeId = nodeId;
    this.gate = gate;
  }

  async start(): Promise<void> {
    this.#network.nodes.set(this.nodeId, this);
  }

  async stop(): Promise<void> {
    for (const peer of this.peers()) this.cut(peer);
    this.#network.nodes.delete(this.nodeId);
  }

  addresses(): string[] {
    return [];
  }

  peers(): NodeId[] {
    return [...this.#peers];
  }

  onGossip(handler: GossipHandler): void {
    this.#onGossip = handler;
  }

  handle(protocol: string, handler: RequestHandler, options: { readonly open?: boolean } = {}): void {
    this.#handlers.set(protocol, { handler, open: options.open ?? false });
  }

  handleStream(protocol: string, handler: StreamHandler): void {
    this.#streamHandlers.set(protocol, handler);
  }

  isDirect(peer: NodeId): boolean {
    return this.#peers.has(peer);
  }

  async openStream(peer: NodeId, protocol: string, _signal?: AbortSignal): Promise<ByteStream> {
    const other = this.#network.reach(this.nodeId, peer);
    if (!this.#peers.has(peer) || other === undefined) throw unreachable(peer);
    await this.#network.travel(0);
    const handler = other.#streamHandlers.get(protocol);
    if (handler === undefined) throw unreachable(peer);
    const [here, there] = MemoryByteStream.pair((bytes) => this.#network.travel(bytes));
    this.#keep(here, peer);
    other.#keep(there, this.nodeId);
    void other.#serveStream(handler, there);
    return here;
  }

  async publish(frame: Uint8Array): Promise<void> {
    this.#flood(Buffer.from(frame), undefined);
  }

  async request(peer: NodeId, protocol: string, message: unknown, _options?: RequestOptions): Promise<unknown> {
    if (!this.#peers.has(peer)) throw unreachable(peer);
    return this.#ask(peer, protocol, message);
  }

  async connect(nodeId: NodeId): Promise<void> {
    const other = this.#network.reach(this.nodeId, nodeId);
    if (other === undefined) throw unreachable(nodeId);
    await this.#network.travel(0);
    const reason = other.gate.check(this.nodeId, this.gate.hello()) ?? this.gate.check(nodeId, other.gate.hello());
    if (reason !== undefined) {
      this.peerEvents.emit({ type: 'refused', nodeId, reason });
      throw new MeshError('peer_refused', `Connecting to ${nodeId}: ${reason}`, { data: { reason } });
    }
    this.admit(nodeId);
    other.admit(this.nodeId);
  }

  async meet(nodeId: NodeId): Promise<Meeting> {
    if (this.#network.reach(this.nodeId, nodeId) === undefined) throw unreachable(nodeId);
    return { ask: (protocol, message) => this.#ask(nodeId, protocol, message), close: async () => {} };
  }

  async disconnect(nodeId: NodeId): Promise<void> {
    if (this.#peers.has(nodeId)) this.cut(nodeId);
  }

  admit(peer: NodeId): void {
    if (this.#peers.has(peer)) return;
    this.#peers.add(peer);
    this.peerEvents.emit({ type: 'connected', nodeId: peer });
    this.peerEvents.emit({ type: 'gossiping', nodeId: peer });
  }

  /** Both ends hear of it. */
  cut(peer: NodeId): void {
    this.#drop(peer);
    const other = this.#network.nodes.get(peer);
    if (other !== undefined) other.#drop(this.nodeId);
  }

  #keep(stream: MemoryByteStream, peer: NodeId): void {
    this.#streams.set(stream, peer);
    stream.onOver(() => this.#streams.delete(stream));
  }

  async #serveStream(handler: StreamHandler, stream: MemoryByteStream): Promise<void> {
    try {
      await handler(this.#streams.get(stream) as NodeId, stream);
    } catch (thrown) {
      stream.abort(thrown as Error);
    }
  }

  #drop(peer: NodeId): void {
    for (const [stream, other] of this.#streams) if (other === peer) stream.abort(unreachable(peer));
    if (this.#peers.delete(peer)) this.peerEvents.emit({ type: 'disconnected', nodeId: peer });
  }

  async #ask(peer: NodeId, protocol: string, message: unknown): Promise<unknown> {
    const frame = encodeFrame(message);
    await this.#network.travel(frame.length);
    const other = this.#network.reach(this.nodeId, peer);
    if (other === undefined) throw unreachable(peer);
    const answer = encodeFrame(await other.#serve(this.nodeId, protocol, decode(frame)));
    await this.#network.travel(answer.length);
    return decode(answer);
  }

  async #serve(from: NodeId, protocol: string, message: unknown): Promise<unknown> {
    const entry = this.#handlers.get(protocol);
    const allowed = entry !== undefined && (this.#peers.has(from) || entry.open);
    if (!allowed) throw new MeshError('request_failed', `Asking ${this.nodeId}: ${protocol} is not served`);
    return entry.handler(from, message);
  }

  #flood(frame: Buffer, source: NodeId | undefined): void {
    if (!this.#isNew(frame)) return;
    for (const peer of this.#peers) {
      if (peer === source) continue;
      this.#network.travel(frame.length).then(() => {
        const other = this.#network.reach(this.nodeId, peer);
        if (other?.hasPeer(this.nodeId)) other.receive(frame, this.nodeId);
      });
    }
  }

  hasPeer(nodeId: NodeId): boolean {
    return this.#peers.has(nodeId);
  }

  receive(frame: Buffer, from: NodeId): void {
    if (this.#seen.has(nameOf(frame))) return;
    const verdict = this.#onGossip(frame, from);
    if (verdict === 'accept') this.#flood(frame, from);
    else this.#isNew(frame);
  }

  #isNew(frame: Buffer): boolean {
    const name = nameOf(frame);
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= SEEN_FRAMES) break;
      this.#seen.delete(oldest);
    }
    return true;
  }
}

function nameOf(frame: Buffer): string {
  return createHash('sha256').update(frame).digest('base64');
}

function decode(frame: Buffer): unknown {
  return JSON.parse(frame.subarray(4).toString('utf8'));
}

function unreachable(peer: NodeId): MeshError {
  return new MeshError('peer_unreachable', `Reaching ${peer}: it is not connected`, { data: { peer } });
}
