/**
 * A control connection as holder and asker see it. Spec: docs/spec/13-relay.md §3. The relay is verified before a frame is sent.
 * Owns its socket; whatever ends it settles every open question and `closed`.
 */
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Clock, messageOf, type NodeId } from '../core/index.ts';
import { encodeFrame, FrameDecoder } from '../protocol/index.ts';
import { RelayError } from './errors.ts';
import { RELAY_LIMITS, type RelayLimits } from './limits.ts';
import { type ClientFrame, parseRelayFrame, type RelayFrame } from './messages.ts';
import { CONTROL_PROTOCOL, type RelayIdentity, type VerifyMember } from './ports.ts';
import type { PairToken } from './preamble.ts';
import { formatRelayAddress, type RelayAddress } from './relay-address.ts';

export interface RelayClientOptions {
  readonly identity: () => RelayIdentity;
  readonly verifyMember: VerifyMember;
  readonly clock: Clock;
  readonly limits?: Partial<RelayLimits>;
}

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
    return new ControlClient(await openTls(address, options, signal), address, options, events);
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

/** Resolves with a connection whose other end is a member that may be a relay. */
function openTls(address: RelayAddress, options: RelayClientOptions, signal: AbortSignal): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const { key, cert } = options.identity();
  const socket = connectTls({
    ...{ host: address.host, port: address.port, key, cert },
    minVersion: 'TLSv1.3',
    ALPNProtocols: [CONTROL_PROTOCOL],
    // Nodes sign their own certificates; `flawOf` holds them to the mesh.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  const fail = (error: RelayError): void => {
    socket.destroy();
    reject(error);
  };
  const onAbort = (): void => fail(cancelled());
  const { connectMs } = { ...RELAY_LIMITS, ...options.limits };
  const late = options.clock.after(connectMs, () => fail(unreachable(address, 'no answer in time')));
  signal.addEventListener('abort', onAbort, { once: true });
  socket.on('error', (cause) => fail(unreachable(address, messageOf(cause), cause)));
  socket.once('close', () => fail(unreachable(address, 'it closed the connection')));
  socket.once('secureConnect', () => {
    const flaw = flawOf(socket, options.verifyMember);
    if (flaw === undefined) resolve(socket);
    else fail(notTrusted(address, flaw));
  });
  if (signal.aborted) onAbort();
  return promise.finally(() => {
    late();
    signal.removeEventListener('abort', onAbort);
    socket.setNoDelay(true);
  });
}

/** Why the other end is no relay of this mesh; undefined when it is one. */
function flawOf(socket: TLSSocket, verifyMember: VerifyMember): string | undefined {
  if (socket.alpnProtocol !== CONTROL_PROTOCOL) return 'it does not speak the relay’s protocol';
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return 'it shows no certificate';
  try {
    const { role } = verifyMember(certificate.raw);
    return mayRelay(role) ? undefined : `its role ${role} may not be a relay`;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** Whom members send their connections through. Spec: docs/spec/13-relay.md §1. */
export function mayRelay(role: string): boolean {
  return role !== 'edge';
}

function unreachable(address: RelayAddress, what: string, cause?: unknown): RelayError {
  return new RelayError('relay_unreachable', `Talking to the relay ${formatRelayAddress(address)}: ${what}`, { cause });
}

function notTrusted(address: RelayAddress, flaw: string): RelayError {
  return new RelayError('relay_not_trusted', `Talking to the relay ${formatRelayAddress(address)}: ${flaw}`);
}

function cancelled(): RelayError {
  return new RelayError('cancelled', 'Talking to a relay: cancelled');
}
