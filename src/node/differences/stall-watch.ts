/**
 * Aborts when next to nothing has come for a while. Whole pieces count, and so does a rate that is no drip: on a slow line a piece takes
 * minutes, and there a difference is worth most.
 */
import { type Clock, CoreError } from '../../core/index.ts';
import type { DownloadProgress } from '../../transfer/index.ts';
import { NODE_LIMITS } from '../limits.ts';

export class StallWatch implements Disposable {
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  #cancel: () => void;
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#cancel = this.#start();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  note({ receivedBytes, rateBytesPerSecond }: Pick<DownloadProgress, 'receivedBytes' | 'rateBytesPerSecond'>): void {
    if (receivedBytes <= this.#bytes && rateBytesPerSecond < NODE_LIMITS.differenceLeastRate) return;
    this.#bytes = receivedBytes;
    this.#cancel();
    this.#cancel = this.#start();
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #start(): () => void {
    const { differenceStallMs } = NODE_LIMITS;
    const stalled = new CoreError('timed_out', `Getting a difference: nothing came for ${differenceStallMs} ms`);
    return this.#clock.after(differenceStallMs, () => this.#abort.abort(stalled));
  }
}
