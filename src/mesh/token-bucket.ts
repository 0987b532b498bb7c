/** Rates for peers: a burst, then so many a second. Time comes from the monotonic clock, so a clock jump gives nothing. */
import type { Clock } from '../core/index.ts';

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

const MAX_KEYS = 10_000;

/** One bucket a key. A full bucket is forgotten first, so that strangers cannot grow the table. */
export class TokenBuckets<Key> {
  readonly #rate: Rate;
  readonly #clock: Clock;
  readonly #buckets = new Map<Key, { tokens: number; atMs: number }>();

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Takes a token: 0 when there was one, otherwise the milliseconds until there is. */
  take(key: Key): number {
    const nowMs = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#rate.burst, atMs: nowMs };
    const refilled = bucket.tokens + ((nowMs - bucket.atMs) / 1000) * this.#rate.perSecond;
    const tokens = Math.min(this.#rate.burst, refilled);
    const taken = tokens >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: taken ? tokens - 1 : tokens, atMs: nowMs });
    if (this.#buckets.size > MAX_KEYS) this.#forgetOldest();
    return taken ? 0 : Math.ceil(((1 - tokens) / this.#rate.perSecond) * 1000);
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key);
      return;
    }
  }
}
