/**
 * A holder's side: stays registered at one relay, and opens a data connection for everyone who comes that way.
 * Spec: docs/spec/13-relay.md §4. `start` begins, `close` ends every connection that was not handed on.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { type Logger, messageOf, type NodeId, type Random, silentLogger, systemRandom } from '../core/index.ts';
import { ControlClient, type RelayClientOptions } from './control-client.ts';
import { RELAY_LIMITS, type RelayLimits } from './limits.ts';
import { type PairToken, toPreamble } from './preamble.ts';
import { formatRelayAddress, type RelayAddress } from './relay-address.ts';

export interface RelayLinkOptions extends RelayClientOptions {
  readonly address: RelayAddress;
  /** Takes over a connection **from elsewhere**: whatever its address says, it is not this machine's. */
  readonly onConnection: (socket: Socket, from: NodeId) => void;
  readonly onRegistered?: () => void;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** How a link to a relay is now. */
export interface LinkState {
  readonly address: string;
  readonly isUp: boolean;
  /** What ended it last, or kept it from being opened. */
  readonly why: string;
}

/** The pause after the n-th failure in a row: doubling, capped, between half and one and a half of that. Pure. */
export function reconnectPauseMs(failures: number, limits: RelayLimits, random: Random): number {
  const pauseMs = Math.min(limits.maxReconnectMs, limits.reconnectMs * 2 ** (failures - 1));
  return pauseMs * (0.5 + random.next());
}

export class RelayLink implements AsyncDisposable {
  readonly #options: RelayLinkOptions;
  readonly #limits: RelayLimits;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  /** Not yet handed on. */
  readonly #opening = new Set<Socket>();
  #openCount = 0;
  #client: ControlClient | undefined;
  #isRegistered = false;
  #why = 'not yet';
  #wakeUp = (): void => {};
  #running: Promise<void> = Promise.resolve();

  constructor(options: RelayLinkOptions) {
    this.#options = options;
    this.#limits = { ...RELAY_LIMITS, ...options.limits };
    this.#logger = options.logger ?? silentLogger;
  }

  get isRegistered(): boolean {
    return this.#isRegistered;
  }

  get state(): LinkState {
    const { address } = this.#options;
    return { address: formatRelayAddress(address), isUp: this.#isRegistered, why: this.#why };
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Another certificate, another mesh: registers anew, at once. */
  reconnect(): void {
    this.#client?.close();
    this.#wakeUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.reconnect();
    for (const socket of this.#opening) socket.destroy();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random = systemRandom } = this.#options;
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      const sinceMs = clock.monotonicMs();
      const why = await this.#holdOnce();
      this.#why = why;
      const wasSteady = this.#isRegistered && clock.monotonicMs() - sinceMs >= this.#limits.steadyMs;
      this.#isRegistered = false;
      if (this.#closing.signal.aborted) return;
      failures = wasSteady ? 1 : failures + 1;
      const pauseMs = reconnectPauseMs(failures, this.#limits, random);
      const relay = formatRelayAddress(this.#options.address);
      this.#logger.warn({ relay, why, againInMs: Math.round(pauseMs) }, 'not reachable through a relay');
      await this.#pause(pauseMs);
    }
  }

  /** Registers and stays until it is over. Resolves, never rejects, with why. */
  async #holdOnce(): Promise<string> {
    const { address, onRegistered } = this.#options;
    try {
      const events = { onIncoming: (token: PairToken, from: NodeId) => this.#openData(token, from) };
      this.#client = await ControlClient.open(address, this.#options, this.#closing.signal, events);
      await this.#client.register();
      this.#isRegistered = true;
      this.#logger.info({ relay: formatRelayAddress(address) }, 'reachable through a relay');
      onRegistered?.();
      return messageOf(await this.#client.closed);
    } catch (thrown) {
      return messageOf(thrown);
    } finally {
      this.#client?.close();
      this.#client = undefined;
    }
  }

  /** The relay decides how often: more than we have room for are not opened, and the asker is told by silence. */
  #openData(token: PairToken, from: NodeId): void {
    const { address, onConnection, clock } = this.#options;
    if (this.#openCount >= this.#limits.dataConnections) return;
    const socket = connectTcp({ ...address, noDelay: true, allowHalfOpen: true });
    this.#opening.add(socket);
    this.#openCount += 1;
    const late = clock.after(this.#limits.connectMs, () => socket.destroy());
    socket.once('close', () => {
      late();
      this.#opening.delete(socket);
      this.#openCount -= 1;
    });
    socket.on('error', (cause) => this.#logger.debug({ err: messageOf(cause) }, 'a relayed connection broke'));
    socket.once('connect', () => {
      late();
      this.#opening.delete(socket);
      socket.write(toPreamble(token));
      onConnection(socket, from);
    });
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
