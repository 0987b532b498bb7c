/**
 * Something that is held open for as long as this node runs: opened anew whenever it ends, after a pause that grows.
 * `start` begins; disposing ends what is held and waits for it.
 */
import { type Clock, type Logger, messageOf, type Random, silentLogger, systemRandom } from '../core/index.ts';
import type { RelayLimits } from './limits.ts';

/** How a link to a relay is now. */
export interface LinkState {
  readonly address: string;
  readonly isUp: boolean;
  /** What ended it last, or kept it from being opened. */
  readonly why: string;
}

/** What a link says of itself while it is open. */
export interface Held {
  readonly signal: AbortSignal;
  /** It works from now on. */
  readonly up: () => void;
  /** How to end it from outside. */
  readonly endWith: (end: () => void) => void;
}

export interface KeptLinkOptions {
  readonly address: string;
  /** What the log says while it is away. */
  readonly whenDown: string;
  /** Opens it and stays until it is over. Resolves or rejects with why. */
  readonly hold: (held: Held) => Promise<string>;
  readonly limits: RelayLimits;
  readonly clock: Clock;
  readonly random?: Random | undefined;
  readonly logger?: Logger | undefined;
}

/** The pause after the n-th failure in a row: doubling, capped, between half and one and a half of that. Pure. */
export function reconnectPauseMs(failures: number, limits: RelayLimits, random: Random): number {
  const pauseMs = Math.min(limits.maxReconnectMs, limits.reconnectMs * 2 ** (failures - 1));
  return pauseMs * (0.5 + random.next());
}

export class KeptLink implements AsyncDisposable {
  readonly #options: KeptLinkOptions;
  readonly #closing = new AbortController();
  #isUp = false;
  #why = 'not yet';
  #endHeld = (): void => {};
  #wakeUp = (): void => {};
  #running: Promise<void> = Promise.resolve();

  constructor(options: KeptLinkOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return { address: this.#options.address, isUp: this.#isUp, why: this.#why };
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Opens it anew, at once. */
  reconnect(): void {
    this.#endHeld();
    this.#wakeUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.reconnect();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { address, clock, limits, random = systemRandom, logger = silentLogger, whenDown } = this.#options;
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      const sinceMs = clock.monotonicMs();
      this.#why = await this.#holdOnce();
      const wasSteady = this.#isUp && clock.monotonicMs() - sinceMs >= limits.steadyMs;
      this.#isUp = false;
      if (this.#closing.signal.aborted) return;
      failures = wasSteady ? 1 : failures + 1;
      const pauseMs = reconnectPauseMs(failures, limits, random);
      logger.warn({ relay: address, why: this.#why, againInMs: Math.round(pauseMs) }, whenDown);
      await this.#pause(pauseMs);
    }
  }

  async #holdOnce(): Promise<string> {
    const up = (): void => {
      this.#isUp = true;
    };
    const endWith = (end: () => void): void => {
      this.#endHeld = end;
    };
    try {
      return await this.#options.hold({ signal: this.#closing.signal, up, endWith });
    } catch (thrown) {
      return messageOf(thrown);
    } finally {
      this.#endHeld = () => {};
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
