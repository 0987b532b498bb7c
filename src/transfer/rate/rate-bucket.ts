/**
 * A token bucket on a clock that is told: what passes in t seconds is never more than rate × t + burst. Pure but for its own
 * numbers.
 */
import { TRANSFER_LIMITS } from '../limits.ts';

export class RateBucket {
  #rate: number;
  #level: number;
  #atMs: number;

  constructor(rate: number, nowMs: number) {
    this.#rate = rate;
    this.#level = burstOf(rate);
    this.#atMs = nowMs;
  }

  get rate(): number {
    return this.#rate;
  }

  get burst(): number {
    return burstOf(this.#rate);
  }

  /** What was saved up stays, as far as the new burst has room. */
  setRate(rate: number, nowMs: number): void {
    if (rate === this.#rate) return;
    const level = this.level(nowMs);
    this.#level = Number.isFinite(level) ? Math.min(level, burstOf(rate)) : burstOf(rate);
    this.#rate = rate;
    this.#atMs = Math.max(this.#atMs, nowMs);
  }

  /** Bytes that may pass now. */
  level(nowMs: number): number {
    if (!Number.isFinite(this.#rate)) return this.#rate;
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
    this.#level = Math.min(burstOf(this.#rate), this.#level + (this.#rate * passedMs) / 1000);
    return this.#level;
  }

  spend(bytes: number): void {
    this.#level -= bytes;
  }

  /** Until `bytes` may pass, if nothing else takes any. */
  waitMs(bytes: number, nowMs: number): number {
    const missing = bytes - this.level(nowMs);
    return missing <= 0 ? 0 : (missing * 1000) / this.#rate;
  }
}

function burstOf(rate: number): number {
  return Math.max(TRANSFER_LIMITS.minBurstBytes, (rate * TRANSFER_LIMITS.burstMs) / 1000);
}
