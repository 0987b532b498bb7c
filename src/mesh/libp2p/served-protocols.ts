/**
 * What this node answers to admitted peers: questions with one answer, and streams of bytes, by protocol. Whatever a handler
 * throws ends its stream and nothing else. Spec: docs/spec/02-records.md §2, §6.
 */
import type { Connection, Stream } from '@libp2p/interface';
import { type Logger, messageOf, type NodeId } from '../../core/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { MeshError } from '../errors.ts';
import { MESH_LIMITS } from '../limits.ts';
import type { RequestHandler, StreamHandler } from '../transport.ts';
import { toNodeId } from './addresses.ts';
import { Libp2pByteStream } from './byte-stream.ts';
import { type ConnectedPeers, HELLO_PROTOCOL } from './connected-peers.ts';
import type { Libp2pNode } from './create-node.ts';
import { readFrame, sendFrame, toError } from './frame-stream.ts';

const BYTE_STREAM_OPTIONS = { maxInboundStreams: MESH_LIMITS.byteStreamsPerPeer, runOnLimitedConnection: true };
const STREAM_OPTIONS = { maxInboundStreams: MESH_LIMITS.inboundStreamsPerProtocol, runOnLimitedConnection: true };

export interface ServedProtocolsOptions {
  readonly connected: ConnectedPeers;
  /** A peer sent what the protocol does not know. */
  readonly onNonsense: (from: NodeId) => void;
  readonly logger: Logger;
}

export class ServedProtocols {
  readonly #options: ServedProtocolsOptions;
  readonly #handlers = new Map<string, { handler: RequestHandler; open: boolean }>();
  readonly #streamHandlers = new Map<string, StreamHandler>();
  #node: Libp2pNode | undefined;

  constructor(options: ServedProtocolsOptions) {
    this.#options = options;
  }

  /** `open`: for strangers too. */
  handle(protocol: string, handler: RequestHandler, open: boolean): void {
    this.#handlers.set(protocol, { handler, open });
    if (this.#node !== undefined) this.#watch(protocol, this.#register(this.#node, protocol));
  }

  handleStream(protocol: string, handler: StreamHandler): void {
    this.#streamHandlers.set(protocol, handler);
    if (this.#node !== undefined) this.#watch(protocol, this.#registerStream(this.#node, protocol));
  }

  /** All that are known, and from now on those that come. */
  async registerOn(node: Libp2pNode): Promise<void> {
    this.#node = node;
    const { connected } = this.#options;
    await node.handle(
      HELLO_PROTOCOL,
      (stream, connection) => void connected.answerHello(stream, connection),
      STREAM_OPTIONS,
    );
    for (const protocol of this.#handlers.keys()) await this.#register(node, protocol);
    for (const protocol of this.#streamHandlers.keys()) await this.#registerStream(node, protocol);
  }

  #register(node: Libp2pNode, protocol: string): Promise<void> {
    const options = { ...STREAM_OPTIONS, force: true as const };
    return node.handle(protocol, (stream, connection) => void this.#serve(protocol, stream, connection), options);
  }

  #registerStream(node: Libp2pNode, protocol: string): Promise<void> {
    const options = { ...BYTE_STREAM_OPTIONS, force: true as const };
    return node.handle(protocol, (stream, connection) => void this.#serveStream(protocol, stream, connection), options);
  }

  async #serveStream(protocol: string, stream: Stream, connection: Connection): Promise<void> {
    const from = toNodeId(connection.remotePeer);
    try {
      const handler = this.#streamHandlers.get(protocol);
      if (handler === undefined || !(await this.#mayAsk(connection, false))) throw notServed(protocol);
      await handler(from, new Libp2pByteStream(stream));
    } catch (thrown) {
      if (thrown instanceof ProtocolError) this.#options.onNonsense(from);
      this.#options.logger.debug({ peer: from, protocol, reason: messageOf(thrown) }, 'stream ended');
      stream.abort(toError(thrown));
    }
  }

  async #serve(protocol: string, stream: Stream, connection: Connection): Promise<void> {
    const from = toNodeId(connection.remotePeer);
    const signal = AbortSignal.timeout(MESH_LIMITS.requestTimeoutMs);
    try {
      const entry = this.#handlers.get(protocol);
      if (entry === undefined || !(await this.#mayAsk(connection, entry.open))) throw notServed(protocol);
      const message = await readFrame(stream, signal);
      await sendFrame(stream, await entry.handler(from, message), signal);
      await stream.close({ signal });
    } catch (thrown) {
      if (thrown instanceof ProtocolError) this.#options.onNonsense(from);
      this.#options.logger.debug({ peer: from, protocol, reason: messageOf(thrown) }, 'question not answered');
      stream.abort(toError(thrown));
    }
  }

  /** An open protocol (join) serves strangers; anything else waits for the admission. */
  #mayAsk(connection: Connection, open: boolean): boolean | Promise<boolean> {
    const { admissions } = this.#options.connected;
    if (admissions.isAdmitted(connection)) return true;
    return open || admissions.wait(connection);
  }

  /** It is stopped. */
  forgetNode(): void {
    this.#node = undefined;
  }

  #watch(protocol: string, registered: Promise<void>): void {
    registered.catch((thrown: unknown) => {
      this.#options.logger.error({ err: thrown, protocol }, 'protocol not registered');
    });
  }
}

function notServed(protocol: string): MeshError {
  return new MeshError('request_failed', `Serving ${protocol}: the peer is not admitted`);
}
