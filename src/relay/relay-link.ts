/**
 * A holder's side: stays registered at one relay, and opens a data connection for everyone who comes that way.
 * Spec: docs/spec/13-relay.md §4. `start` begins, `close` ends every connection that was not handed on.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { type Logger, messageOf, type NodeId, type Random, silentLogger } from '../core/index.ts';
import { ControlClient } from './control-client.ts';
import { type Held, KeptLink, type LinkState } from './kept-link.ts';
import { RELAY_LIMITS, type RelayLimits } from './limits.ts';
import type { RelayClientOptions } from './open-relay-tls.ts';
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

export class RelayLink implements AsyncDisposable {
  readonly #options: RelayLinkOptions;
  readonly #limits: RelayLimits;
  readonly #logger: Logger;
  readonly #kept: KeptLink;
  /** Not yet handed on. */
  readonly #opening = new Set<Socket>();
  #openCount = 0;

  constructor(options: RelayLinkOptions) {
    this.#options = options;
    this.#limits = { ...RELAY_LIMITS, ...options.limits };
    this.#logger = options.logger ?? silentLogger;
    this.#kept = new KeptLink({
      ...options,
      address: formatRelayAddress(options.address),
      whenDown: 'not reachable through a relay',
      hold: (held) => this.#hold(held),
      limits: this.#limits,
    });
  }

  get isRegistered(): boolean {
    return this.#kept.state.isUp;
  }

  get state(): LinkState {
    return this.#kept.state;
  }

  start(): void {
    this.#kept.start();
  }

  /** Another certificate, another mesh: registers anew, at once. */
  reconnect(): void {
    this.#kept.reconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#opening) socket.destroy();
    await this.#kept[Symbol.asyncDispose]();
  }

  /** Registers and stays until it is over. */
  async #hold({ signal, up, endWith }: Held): Promise<string> {
    const { address, onRegistered } = this.#options;
    const events = { onIncoming: (token: PairToken, from: NodeId) => this.#openData(token, from) };
    const client = await ControlClient.open(address, this.#options, signal, events);
    endWith(() => client.close());
    try {
      await client.register();
      up();
      this.#logger.info({ relay: formatRelayAddress(address) }, 'reachable through a relay');
      onRegistered?.();
      return messageOf(await client.closed);
    } finally {
      client.close();
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
}
