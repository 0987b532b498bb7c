/**
 * Keeps this node reachable through a relay's `/mesh`: a WebSocket to it, opened anew whenever it ends, handed to whoever
 * answers requests. The relay is verified before anything is said. Spec: docs/spec/14-websocket.md §6.
 */
import { WebSocket } from 'ws';
import type { Clock, Logger, NodeId, Random } from '../core/index.ts';
import { PROTOCOL_LIMITS } from '../protocol/index.ts';
import { type Held, KeptLink, type LinkState } from './kept-link.ts';
import { RELAY_LIMITS, type RelayLimits } from './limits.ts';
import { openRelayTls, type RelayClientOptions } from './open-relay-tls.ts';
import { formatRelayAddress, type RelayAddress } from './relay-address.ts';

export interface WsRelayLinkOptions extends RelayClientOptions {
  /** The relay's HTTP port. */
  readonly address: RelayAddress;
  /** Answers what comes over it, as asked by the relay. */
  readonly onSocket: (socket: WebSocket, relay: { readonly nodeId: NodeId; readonly role: string }) => void;
  readonly random?: Random;
  readonly logger?: Logger;
}

export class WsRelayLink implements AsyncDisposable {
  readonly #options: WsRelayLinkOptions;
  readonly #limits: RelayLimits;
  readonly #kept: KeptLink;

  constructor(options: WsRelayLinkOptions) {
    this.#options = options;
    this.#limits = { ...RELAY_LIMITS, ...options.limits };
    this.#kept = new KeptLink({
      ...options,
      address: formatRelayAddress(options.address),
      whenDown: 'no WebSocket to a relay',
      hold: (held) => this.#hold(held),
      limits: this.#limits,
    });
  }

  start(): void {
    this.#kept.start();
  }

  get state(): LinkState {
    return this.#kept.state;
  }

  /** Another certificate, another mesh: opened anew, at once. */
  reconnect(): void {
    this.#kept.reconnect();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#kept[Symbol.asyncDispose]();
  }

  /** Resolves with why it ended; rejects when it could not be opened. */
  async #hold({ signal, up, endWith }: Held): Promise<string> {
    const { address, onSocket, clock } = this.#options;
    const { socket: tls, relay } = await openRelayTls(address, this.#options, signal);
    const socket = new WebSocket(`ws://${formatRelayAddress(address)}/mesh?link=1`, {
      createConnection: () => tls,
      perMessageDeflate: false,
      maxPayload: PROTOCOL_LIMITS.transferMessageBytes,
      handshakeTimeout: this.#limits.connectMs,
      // Left at zero, which costs nothing: masks are against proxies that read plain text, and this is TLS to the very end.
      generateMask() {},
    });
    endWith(() => socket.terminate());
    let why = 'it was closed';
    socket.on('error', (cause) => {
      why = cause.message;
    });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.once('open', () => {
      up();
      onSocket(socket, relay);
    });
    const stopPings = keepAlive(socket, clock, this.#limits);
    await closed;
    stopPings();
    return why;
  }
}

/** A relay that has not answered a ping when the next is due is gone. Returns what stops it. */
function keepAlive(socket: WebSocket, clock: Clock, { wsPingMs }: RelayLimits): () => void {
  let isAlive = true;
  let cancel = (): void => {};
  socket.on('pong', () => {
    isAlive = true;
  });
  const next = (): void => {
    cancel = clock.after(wsPingMs, () => {
      if (!isAlive) return socket.terminate();
      isAlive = false;
      if (socket.readyState === socket.OPEN) socket.ping();
      next();
    });
  };
  next();
  return () => cancel();
}
