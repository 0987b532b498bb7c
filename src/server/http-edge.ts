/**
 * The HTTP edge as one thing to open and close. Spec: docs/spec/05-http.md.
 * `openHttpEdge` listens when it resolves; after `close` no socket, file or timer of the edge is left.
 */
import type { Socket } from 'node:net';
import type { Registry } from 'prom-client';
import type { ControlHandlers } from '../api/index.ts';
import { type Clock, type Logger, type NodeId, openGate, silentLogger, systemClock } from '../core/index.ts';
import { createApp } from './app.ts';
import { ServerError } from './errors.ts';
import { Guard } from './guard.ts';
import { HaveBook } from './have/have-book.ts';
import { SERVER_LIMITS, type ServerLimits } from './limits.ts';
import { createHttpMetrics } from './metrics.ts';
import type { PeerIdentity, PeerVerifier, ServedContent, TlsIdentity, TokenVerifier, UploadGate } from './ports.ts';
import { RequestBuckets } from './request-bucket.ts';
import { StreamGate } from './stream-gate.ts';
import { type Address, Transport } from './transport.ts';
import { type MeshRelay, mountWsEndpoint, type WsEndpoint } from './ws-endpoint.ts';

export interface HttpEdgeOptions {
  /** `0.0.0.0` unless given: peers must reach the port. `::` listens on both families. */
  readonly host?: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly openLan?: boolean;
  readonly content: ServedContent;
  /** Without it there is no control API: a bridge that only serves models. */
  readonly control?: ControlHandlers;
  /** The rate policy, as readers meet it; without it nothing is held back. */
  readonly uploadGate?: UploadGate;
  readonly peers: PeerVerifier;
  readonly tokens: TokenVerifier;
  readonly localToken: string;
  /** Without it, TLS connections are closed. */
  readonly tls?: TlsIdentity;
  readonly metrics?: Registry;
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly limits?: Partial<ServerLimits>;
  /** Of the program, for the OpenAPI page. */
  readonly version?: string;
  /** This node, as requests over a WebSocket name it. */
  readonly nodeId?: NodeId;
  /** Forwards between the WebSockets of others; without it this node answers for itself only. */
  readonly meshRelay?: MeshRelay | undefined;
  /** Where those count too who follow a blob of this node by other ways; its opener's. */
  readonly follows?: HaveBook;
}

export interface HttpEdge extends AsyncDisposable {
  readonly address: Address;
  readonly metrics: Registry;
  /** Takes over a connection through a relay: a stranger's until TLS proves a member, wherever it seems to come from. */
  acceptRelayed(socket: Socket): void;
  /** A renewed certificate, for handshakes from now on. */
  setTls(identity: TlsIdentity): void;
  /** Cuts the connections of a peer that lost its membership. */
  disconnectPeer(nodeId: string): void;
  /** Those of all peers: this node is in another mesh now. */
  disconnectPeers(): void;
  /** Answers what a relay asks over a WebSocket that this node opened to it. */
  readonly serveLink: WsEndpoint['serveLink'];
  close(): Promise<void>;
}

/** Throws ServerError `port_in_use`, `cannot_listen`. */
export async function openHttpEdge(options: HttpEdgeOptions): Promise<HttpEdge> {
  const { logger = silentLogger, clock = systemClock, content, control } = options;
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const metrics = createHttpMetrics(options.metrics);
  const closing = new AbortController();
  const follows = options.follows ?? new HaveBook(limits, clock);
  const bound: { transport?: Transport; address: Address } = { address: { host: '', port: 0 } };
  const port = (): number => bound.address.port;
  const guard = createGuard(options, limits, clock, port, (socket) => bound.transport?.peerOf(socket));
  const version = options.version ?? '0';
  const shared = { limits, metrics, logger, clock };
  const app = await createApp({
    ...shared,
    content,
    control,
    uploadGate: options.uploadGate,
    guard,
    closing: closing.signal,
    follows,
    port,
    version,
  });
  const transport = new Transport({ ...shared, http: app.http, tls: options.tls, peers: options.peers });
  bound.transport = transport;
  const streams = new StreamGate(limits);
  const { nodeId, meshRelay: relay } = options;
  const endpoint = { ...shared, content, guard, port, closing: closing.signal, streams, nodeId, relay };
  const onSending = follows.noteSending.bind(follows);
  const gateFor = options.uploadGate ?? (() => openGate);
  const webSockets = mountWsEndpoint(app.http, { ...endpoint, gateFor, onSending });
  try {
    bound.address = await transport.listen({ host: options.host ?? '0.0.0.0', port: options.port });
  } catch (cause) {
    await app.fastify.close();
    throw cause;
  }
  const close = once(async () => {
    closing.abort(new ServerError('closing', 'Answering: the daemon is stopping'));
    await transport.close(limits.closeGraceMs);
    await app.fastify.close();
    if (options.follows === undefined) follows[Symbol.dispose]();
  });
  return {
    address: bound.address,
    metrics: metrics.registry,
    acceptRelayed: (socket) => transport.acceptRelayed(socket),
    setTls: (identity) => transport.setTls(identity),
    disconnectPeer(nodeId) {
      transport.disconnectPeer(nodeId);
      webSockets.dropLinks(nodeId);
    },
    disconnectPeers() {
      transport.disconnectPeers();
      webSockets.dropLinks();
    },
    serveLink: webSockets.serveLink,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createGuard(
  { tokens, localToken, openLan = false }: HttpEdgeOptions,
  limits: ServerLimits,
  clock: Clock,
  port: () => number,
  peerOf: (socket: object) => PeerIdentity | undefined,
): Guard {
  const buckets = new RequestBuckets(limits, clock);
  return new Guard({ limits, buckets, tokens, localToken, openLan, port, peerOf });
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}
