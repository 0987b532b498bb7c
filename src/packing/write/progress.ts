/** How far long work is: bytes, their rate since it began, time left. Told no oftener than `progressMs`. */
import { type Clock, systemClock } from '../../core/index.ts';
import { PACKING_LIMITS } from '../limits.ts';

export interface PackingProgress {
  /** What is being done: `packing`, `verifying`. */
  readonly doing: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
  readonly etaSeconds: number | null;
}

export type OnProgress = (progress: PackingProgress) => void;

export class ProgressMeter {
  readonly #doing: string;
  readonly #totalBytes: number;
  readonly #tell: OnProgress | undefined;
  readonly #clock: Clock;
  readonly #startedMs: number;
  #doneBytes = 0;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(doing: string, totalBytes: number, tell: OnProgress | undefined, clock: Clock = systemClock) {
    this.#doing = doing;
    this.#totalBytes = totalBytes;
    this.#tell = tell;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  /** Bound: to be handed on. */
  readonly add = (byteCount: number): void => {
    this.#doneBytes += byteCount;
    const now = this.#clock.monotonicMs();
    if (this.#tell === undefined || now - this.#toldMs < PACKING_LIMITS.progressMs) return;
    this.#toldMs = now;
    this.#tell(this.#now(now));
  };

  #now(nowMs: number): PackingProgress {
    const seconds = (nowMs - this.#startedMs) / 1000;
    const bytesPerSecond = seconds < LEAST_SECONDS ? 0 : this.#doneBytes / seconds;
    const left = Math.max(0, this.#totalBytes - this.#doneBytes);
    return {
      ...{ doing: this.#doing, doneBytes: Math.min(this.#doneBytes, this.#totalBytes), totalBytes: this.#totalBytes },
      ...{ bytesPerSecond, etaSeconds: bytesPerSecond === 0 ? null : left / bytesPerSecond },
    };
  }
}

/** Before that a rate is chance. */
const LEAST_SECONDS = 0.5;
