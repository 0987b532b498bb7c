/**
 * Tells on a blob stream what is held of a blob, what was begun to be sent of it and how many others follow, and what
 * changes. Spec: docs/spec/10-transfer.md §8, §9 no. 3. Changes are put together while the frames before leave, so that a
 * slow follower costs two states and no more.
 */
import { encodeHaveFrame, type HaveState, PROTOCOL_LIMITS, planHaveNews } from '../../protocol/index.ts';
import type { OfferedHolding } from '../fetched-content.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { Following } from './follow-book.ts';

export class HoldingTeller {
  readonly #holding: OfferedHolding;
  readonly #following: Following;
  readonly #write: (frame: Buffer) => Promise<void>;
  #isChanged = false;
  #wake: () => void = () => {};

  constructor(holding: OfferedHolding, following: Following, write: (frame: Buffer) => Promise<void>) {
    this.#holding = holding;
    this.#following = following;
    this.#write = write;
  }

  /** What is to be told may be another now. */
  changed(): void {
    this.#isChanged = true;
    this.#wake();
  }

  /** Until the signal comes, or the blob is here no more. */
  async tell(signal: AbortSignal): Promise<void> {
    const { holdingEveryMs: everyMs } = NODE_LIMITS;
    const stop = this.#holding.onChange(() => this.changed());
    try {
      let told: HaveState | undefined;
      for (let now = this.#look(); now !== undefined && !signal.aborted; now = this.#look()) {
        const news = planHaveNews(told, now);
        for (const frame of news.length === 0 ? [{ type: 'alive' } as const] : news)
          await this.#write(encodeHaveFrame(frame));
        told = now;
        await this.#pause(everyMs, signal, () => false);
        await this.#pause(PROTOCOL_LIMITS.haveKeepAliveMs - everyMs, signal, () => this.#isChanged);
      }
    } finally {
      stop();
    }
  }

  #look(): HaveState | undefined {
    this.#isChanged = false;
    const held = this.#holding.held();
    if (held === undefined) return undefined;
    // The writer of a part may go on changing its bits.
    const copy = held === 'all' ? held : Uint8Array.from(held);
    return { held: copy, sent: this.#following.sent(), others: this.#following.others() };
  }

  /** Until the time is over, the signal comes or `isEnough` is true when something has happened. */
  #pause(ms: number, signal: AbortSignal, isEnough: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
      this.#wake = () => void (isEnough() && done());
      if (signal.aborted || isEnough()) done();
    });
  }
}
