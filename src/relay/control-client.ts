/**
 * A control connection as holder and asker see it. Spec: docs/spec/13-relay.md §3. The relay is verified before a frame is sent.
 * Owns its socket; whatever ends it settles every open question and `closed`.
 */
import type { TLSSocket } from 'node:tls';
import { type Clock, messageOf, type NodeId } from '../core/index.ts';
import { encodeFrame, FrameDecoder } from '../protocol/index.ts';
import { RelayError } from './errors.ts';
import { RELAY_LIMITS, type RelayLimits } from './limits.ts';
import { type ClientFrame, parseRelayFrame, type RelayFrame } from './messages.ts';
import { cancelled, openRelayTls, type RelayClientOptions, unreachable } from './open-relay-tls.ts';
import { CONTROL_PROTOCOL } from './ports.ts';
import type { PairToken } from './preamble.ts';
import { formatRelayAddress, type RelayAddress } from './relay-address.ts';

export interface ControlClientEvents {
  /** Somebody wants a data connection. */
  onIncoming?: (token: PairToken, from: NodeId) => void;
}

interface OpenQuestion {
  resolve(token: PairToken): void;
  reject(error: RelayError): void;
}

export class ControlClient {
  readonly #socket: TLSSocket;
  readonly #address: RelayAddress;
  readonly #limits: RelayLimits;
  readonly #clock: Clock;
  readonly #events: ControlClientEvents;
  readonly #decoder: FrameDecoder;
  readonly #questions = new Map<number, OpenQuestion>();
  readonly #closed = Promise.withResolvers<RelayError>();
  #lastId = 0;
  #onRegistered: (() => void) | undefined;
  #isOver = false;
  #cancelPing = (): void => {};
  #cancelPong = (): void => {};

  private constructor(
    socket: TLSSocket,
    address: RelayAddress,
    options: RelayClientOptions,
    events: ControlClientEvents,
  ) {
    this.#socket = socket;
    this.#address = address;
    this.#limits = { ...RELAY_LIMITS, ...options.limits };
    this.#clock = options.clock;
    this.#events = events;
    this.#decoder = new FrameDecoder(this.#limits.frameBytes);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.once('error', (cause) => this.#end(this.#unreachable(messageOf(cause), cause)));
    socket.once('close', () => this.#end(this.#unreachable('the connection ended')));
    this.#pingLater();
  }

  /** Throws RelayError `relay_unreachable`, `relay_not_trusted`, `cancelled`. */
  static async open(
    address: RelayAddress,
    options: RelayClientOptions,
    signal: AbortSignal,
    events: ControlClientEvents = {},
  ): Promise<ControlClient> {
    const { socket } = await openRelayTls(address, options, signal, CONTROL_PROTOCOL);
    return new ControlClient(socket, address, options, events);
  }

  /** Resolves, never rejects, with why it is over. */
  get closed(): Promise<RelayError> {
    return this.#closed.promise;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** From now on this node is reached through the relay. Throws RelayError. */
  async register(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onRegistered = resolve;
    this.#send({ type: 'register' });
    const late = this.#clock.after(this.#limits.pongMs, () => this.#end(this.#unreachable('no answer in time')));
    const why = await Promise.race([promise, this.closed]);
    late();
    if (why !== undefined) throw why;
  }

  /** Asks for a way to `target`. Throws RelayError `not_registered`, `over_quota`, `busy`, `relay_unreachable`, `cancelled`. */
  async connect(target: NodeId, signal: AbortSignal): Promise<PairToken> {
    const { promise, resolve, reject } = Promise.withResolvers<PairToken>();
    this.#lastId = (this.#lastId + 1) % 0x1_0000_0000;
    const id = this.#lastId;
    const onAbort = (): void => reject(cancelled());
    const late = this.#clock.after(this.#limits.pongMs, () => this.#end(this.#unreachable('no answer in time')));
    signal.addEventListener('abort', onAbort, { once: true });
    this.#questions.set(id, { resolve, reject });
    if (signal.aborted) onAbort();
    else if (this.#isOver) reject(await this.closed);
    else this.#send({ type: 'connect', id, target });
    try {
      return await promise;
    } finally {
      late();
      this.#questions.delete(id);
      signal.removeEventListener('abort', onAbort);
    }
  }

  close(): void {
    this.#end(cancelled());
  }

  #send(frame: ClientFrame): void {
    if (!this.#isOver) this.#socket.write(encodeFrame(frame, this.#limits.frameBytes));
  }

  #read(chunk: Buffer): void {
    try {
      for (const value of this.#decoder.push(chunk)) this.#onFrame(parseRelayFrame(value));
    } catch (cause) {
      const where = formatRelayAddress(this.#address);
      this.#end(new RelayError('malformed', `Listening to the relay ${where}: ${messageOf(cause)}`, { cause }));
    }
  }

  #onFrame(frame: RelayFrame): void {
    if (this.#isOver) return;
    if (frame.type === 'incoming') this.#events.onIncoming?.(frame.token, frame.from);
    else if (frame.type === 'registered') this.#onRegistered?.();
    else if (frame.type === 'pong') this.#pingLater();
    else if (frame.type === 'token') this.#questions.get(frame.id)?.resolve(frame.token);
    else if (frame.id === undefined) this.#end(this.#refused(frame));
    else this.#questions.get(frame.id)?.reject(this.#refused(frame));
  }

  #pingLater(): void {
    this.#cancelPing();
    this.#cancelPong();
    if (this.#isOver) return;
    this.#cancelPing = this.#clock.after(this.#limits.pingEveryMs, () => {
      this.#send({ type: 'ping' });
      this.#cancelPong = this.#clock.after(this.#limits.pongMs, () =>
        this.#end(this.#unreachable('it does not answer')),
      );
    });
  }

  #end(why: RelayError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelPing();
    this.#cancelPong();
    this.#socket.destroy();
    for (const question of this.#questions.values()) question.reject(why);
    this.#closed.resolve(why);
  }

  #unreachable(what: string, cause?: unknown): RelayError {
    return unreachable(this.#address, what, cause);
  }

  #refused({ code, retry_after_s }: Extract<RelayFrame, { type: 'refused' }>): RelayError {
    const message = `Asking the relay ${formatRelayAddress(this.#address)}: refused (${code})`;
    return new RelayError(code, message, { data: retry_after_s === undefined ? {} : { retry_after_s } });
  }
}
