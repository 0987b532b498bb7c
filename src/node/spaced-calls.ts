/** Does a thing at once, and again only after a pause: calls that come meanwhile are one call at its end. */
import type { Clock } from '../core/index.ts';

export class SpacedCalls implements Disposable {
  readonly #clock: Clock;
  readonly #pauseMs: number;
  readonly #act: () => void;
  #isWanted = false;
  #cancelPause: (() => void) | undefined;

  constructor(clock: Clock, pauseMs: number, act: () => void) {
    this.#clock = clock;
    this.#pauseMs = pauseMs;
    this.#act = act;
  }

  call(): void {
    if (this.#cancelPause === undefined) this.#do();
    else this.#isWanted = true;
  }

  /** What waits is not done any more. */
  [Symbol.dispose](): void {
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    this.#isWanted = false;
  }

  #do(): void {
    this.#isWanted = false;
    this.#cancelPause = this.#clock.after(this.#pauseMs, () => {
      this.#cancelPause = undefined;
      if (this.#isWanted) this.#do();
    });
    this.#act();
  }
}
