/**
 * Keeps this node reachable through a relay's `/mesh`: a WebSocket to it, opened anew whenever it ends, handed to whoever
 * answers requests. The relay is verified before anything is said. `start` begins, `close` ends the socket.
 * Spec: docs/spec/14-websocket.md §6.
 */
import { once } from 'node:events';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import {
  type Clock,
  type Logger,
  messageOf,
  type NodeId,
  type Random,
  silentLogger,
  systemRandom,
} from '../core/index.ts';
import { PROTOCOL_LIMITS } from '../protocol/index.ts';
import { mayRelay } from './control-client.ts';
import { RelayError } from './errors.ts';
import { RELAY_LIMITS, type RelayLimits } from './limits.ts';
import type { RelayIdentity, VerifyMember } from './ports.ts';
import { formatRelayAddress, type RelayAddress } from './relay-address.ts';
import { type LinkState, reconnectPauseMs } from './relay-link.ts';

export interface WsRelayLinkOptions {
  /** The relay's HTTP port. */
  readonly address: RelayAddress;
  readonly identity: () => RelayIdentity;
  readonly verifyMember: VerifyMember;
  /** Answers what comes over it, as asked by the relay. */
  readonly onSocket: (socket: WebSocket, relay: { readonly nodeId: NodeId; readonly role: string }) => void;
  readonly clock: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly limits?: Partial<RelayLimits>;
}

export class WsRelayLink implements AsyncDisposable {
  readonly #options: WsRelayLinkOptions;
  readonly #limits: RelayLimits;
  readonly #closing = new AbortController();
  #socket: WebSocket | undefined;
  #isUp = false;
  #why = 'not yet';
  #wakeUp = (): void => {};
  #running: Promise<void> = Promise.resolve();

  constructor(options: WsRelayLinkOptions) {
    this.#options = options;
    this.#limits = { ...RELAY_LIMITS, ...options.limits };
  }

  start(): void {
    this.#running = this.#run();
  }

  get state(): LinkState {
    return { address: formatRelayAddress(this.#options.address), isUp: this.#isUp, why: this.#why };
  }

  /** Another certificate, another mesh: opened anew, at once. */
  reconnect(): void {
    this.#socket?.terminate();
    this.#wakeUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.reconnect();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random = systemRandom, logger = silentLogger, address } = this.#options;
    const relay = formatRelayAddress(address);
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      const sinceMs = clock.monotonicMs();
      const why = await this.#holdOnce().catch(messageOf);
      this.#isUp = false;
      this.#why = why;
      if (this.#closing.signal.aborted) return;
      failures = clock.monotonicMs() - sinceMs >= this.#limits.steadyMs ? 1 : failures + 1;
      const pauseMs = reconnectPauseMs(failures, this.#limits, random);
      logger.warn({ relay, why, againInMs: Math.round(pauseMs) }, 'no WebSocket to a relay');
      await this.#pause(pauseMs);
    }
  }

  /** Resolves with why it ended; rejects when it could not be opened. */
  async #holdOnce(): Promise<string> {
    const { onSocket, clock } = this.#options;
    const { tls, relay } = await this.#connect();
    const socket = new WebSocket(`ws://${formatRelayAddress(this.#options.address)}/mesh?link=1`, {
      createConnection: () => tls,
      perMessageDeflate: false,
      maxPayload: PROTOCOL_LIMITS.transferMessageBytes,
      handshakeTimeout: this.#limits.connectMs,
      // Left at zero, which costs nothing: masks are against proxies that read plain text, and this is TLS to the very end.
      generateMask() {},
    });
    this.#socket = socket;
    let why = 'it was closed';
    socket.on('error', (cause) => {
      why = cause.message;
    });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.once('open', () => {
      this.#isUp = true;
      onSocket(socket, relay);
    });
    const stopPings = keepAlive(socket, clock, this.#limits);
    await closed;
    stopPings();
    return why;
  }

  /** Throws RelayError `relay_unreachable`, `relay_not_trusted`. */
  async #connect(): Promise<{ readonly tls: TLSSocket; readonly relay: { nodeId: NodeId; role: string } }> {
    const { address, identity, verifyMember } = this.#options;
    const { signal } = this.#closing;
    const relay = formatRelayAddress(address);
    const tls = connectTls({ ...address, ...identity(), minVersion: 'TLSv1.3', rejectUnauthorized: false });
    tls.on('error', () => {});
    try {
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(this.#limits.connectMs)]);
      await once(tls, 'secureConnect', { signal: inTime });
    } catch (cause) {
      tls.destroy();
      throw new RelayError('relay_unreachable', `Connecting to ${relay}: ${messageOf(cause)}`, { cause });
    }
    try {
      const found = verifyMember(tls.getPeerX509Certificate()?.raw ?? Buffer.alloc(0));
      if (!mayRelay(found.role)) throw new Error(`role ${found.role} is no relay`);
      return { tls, relay: found };
    } catch (cause) {
      tls.destroy();
      throw new RelayError('relay_not_trusted', `Connecting to ${relay}: ${messageOf(cause)}`, { cause });
    }
  }

  #pause(pauseMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(pauseMs, resolve);
      this.#wakeUp = () => {
        cancel();
        resolve();
      };
    });
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
