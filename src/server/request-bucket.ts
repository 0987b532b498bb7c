/** A token bucket an address, for those without identity. 05-http §5 no. 3. */
import type { Clock } from '../core/index.ts';

export interface BucketLimits {
  readonly strangerRequestsPerSecond: number;
  readonly strangerBurst: number;
  readonly strangerBuckets: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

export class RequestBuckets {
  readonly #limits: BucketLimits;
  readonly #clock: Clock;
  /** In order of last use, so that the first is the one to forget. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: BucketLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Milliseconds until a request of this address is welcome again; 0 now. Takes nothing. */
  waitMs(address: string): number {
    const tokens = this.#tokensOf(address);
    return tokens >= 1 ? 0 : ((1 - tokens) / this.#limits.strangerRequestsPerSecond) * 1000;
  }

  take(address: string): void {
    const tokens = Math.max(0, this.#tokensOf(address) - 1);
    this.#buckets.delete(address);
    this.#buckets.set(address, { tokens, atMs: this.#clock.monotonicMs() });
    if (this.#buckets.size <= this.#limits.strangerBuckets) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }

  #tokensOf(address: string): number {
    const { strangerBurst, strangerRequestsPerSecond } = this.#limits;
    const bucket = this.#buckets.get(address);
    if (bucket === undefined) return strangerBurst;
    const refill = ((this.#clock.monotonicMs() - bucket.atMs) / 1000) * strangerRequestsPerSecond;
    return Math.min(strangerBurst, bucket.tokens + refill);
  }
}
