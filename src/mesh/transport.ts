/**
 * What carries the mesh's words: gossip to all, questions to one. Spec: docs/spec/02-records.md §2, §6; 03-trust.md §8.
 * Two implementations, libp2p and memory; both run `transport.conformance.ts`. Everyone that a transport shows as a peer has
 * been admitted by the gate; nothing of ours runs with anybody else, but hello and join.
 */
import type { Emitter, NodeId } from '../core/index.ts';
import type { RefusalReason } from '../protocol/index.ts';

/** What to do with a gossiped frame: pass it on, drop it, or drop it and hold it against the sender. */
export type GossipVerdict = 'accept' | 'ignore' | 'reject';

export type GossipHandler = (frame: Uint8Array, from: NodeId) => GossipVerdict;
/** Answers a question; what it throws resets the stream. A ProtocolError is a strike against the peer. */
export type RequestHandler = (from: NodeId, message: unknown) => unknown;

export type PeerEvent =
  /** `address` is one that was dialled, and so can be dialled again. */
  | { readonly type: 'connected'; readonly nodeId: NodeId; readonly address?: string }
  | { readonly type: 'disconnected'; readonly nodeId: NodeId }
  /** Gossip now flows between the two: what was published before may have missed the peer. */
  | { readonly type: 'gossiping'; readonly nodeId: NodeId }
  | { readonly type: 'discovered'; readonly nodeId: NodeId; readonly addresses: readonly string[] }
  | { readonly type: 'refused'; readonly nodeId: NodeId; readonly reason: RefusalReason };

export interface RequestOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Decides who is let in. */
export interface AdmissionGate {
  /** Our own hello. */
  hello(): unknown;
  /** Undefined admits. Never throws, whatever the message is. */
  check(from: NodeId, hello: unknown): RefusalReason | undefined;
}

/** A connection to a node that has not admitted us: only for joining. */
export interface Meeting {
  ask(protocol: string, message: unknown, options?: RequestOptions): Promise<unknown>;
  close(): Promise<void>;
}

/** What a stream's reader is told, in order. */
export interface ByteReceiver {
  /** Valid only during the call. */
  bytes(chunk: Uint8Array): void;
  /** Once, and nothing after it. Without an error the other side has said all it had to say. */
  ended(error: Error | undefined): void;
}

/**
 * Bytes both ways between two members. Reading has no back-pressure of its own: whoever reads asks for little at a time
 * and waits for it (docs/spec/10-transfer.md §9).
 */
export interface ByteStream {
  /** Sends, or resolves when more may be sent. The bytes must not be changed afterwards. Rejects when the stream is over. */
  send(bytes: Uint8Array): void | Promise<void>;
  /** Once. What came before is told first. */
  receive(receiver: ByteReceiver): void;
  /** Nothing more is sent; what was sent still arrives. */
  close(): Promise<void>;
  /** Ends both directions at once. Idempotent. */
  abort(reason: Error): void;
}

/** Takes a stream that a member opened. It owns the stream; what it throws resets it. */
export type StreamHandler = (from: NodeId, stream: ByteStream) => void | Promise<void>;

export interface MeshTransport {
  readonly nodeId: NodeId;
  readonly peerEvents: Emitter<PeerEvent>;
  /** Throws MeshError `listen_failed`. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Where this node listens, as multiaddrs without `/p2p`. */
  addresses(): string[];
  /** Admitted and connected. */
  peers(): NodeId[];
  /** To all members, through the peers. Nobody there is no error. */
  publish(frame: Uint8Array): Promise<void>;
  onGossip(handler: GossipHandler): void;
  /** Throws MeshError `request_failed`, `peer_unreachable`. */
  request(peer: NodeId, protocol: string, message: unknown, options?: RequestOptions): Promise<unknown>;
  /** `open` handlers serve those who are not admitted yet; only join uses it. */
  handle(protocol: string, handler: RequestHandler, options?: { readonly open?: boolean }): void;
  /** Whether bytes to a connected peer go there without another node between. */
  isDirect(peer: NodeId): boolean;
  /** A stream to a connected member, over the most direct connection there is. Throws MeshError `peer_unreachable`. */
  openStream(peer: NodeId, protocol: string, signal: AbortSignal): Promise<ByteStream>;
  /** Admitted peers only, so many at once of each. */
  handleStream(protocol: string, handler: StreamHandler): void;
  /** Dials, and waits for both hellos. Throws MeshError `peer_unreachable`, `peer_refused`. */
  connect(nodeId: NodeId, addresses: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Dials without a hello. Throws MeshError `peer_unreachable`. */
  meet(nodeId: NodeId, addresses: readonly string[], signal?: AbortSignal): Promise<Meeting>;
  disconnect(nodeId: NodeId): Promise<void>;
}
