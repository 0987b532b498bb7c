/** Does a thing at once, a few times in a row, and then only at intervals: calls that come meanwhile are one call at its end. */
import type { Clock } from '../core/index.ts';

export interface SpacedCallsOptions {
  readonly clock: Clock;
  /** So many at once after a time of rest. */
  readonly burst: number;
  /** Then one each so often. */
  readonly everyMs: number;
  readonly act: () => void;
}

export class SpacedCalls implements Disposable {
  readonly #options: SpacedCallsOptions;
  #left: number;
  #isWanted = false;
  #cancelRefill: (() => void) | undefined;

  constructor(options: SpacedCallsOptions) {
    this.#options = options;
    this.#left = options.burst;
  }

  call(): void {
    this.#isWanted = true;
    this.#do();
  }

  /** What waits is not done any more. */
  [Symbol.dispose](): void {
    this.#cancelRefill?.();
    this.#cancelRefill = undefined;
    this.#isWanted = false;
  }

  #do(): void {
    if (!this.#isWanted || this.#left === 0) return;
    this.#isWanted = false;
    this.#left -= 1;
    this.#cancelRefill ??= this.#refillLater();
    this.#options.act();
  }

  #refillLater(): () => void {
    const { clock, everyMs, burst } = this.#options;
    return clock.after(everyMs, () => {
      this.#left += 1;
      this.#cancelRefill = this.#left < burst ? this.#refillLater() : undefined;
      this.#do();
    });
  }
}
