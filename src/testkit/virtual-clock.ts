/** A clock that moves only when told. Callbacks run in the order of their times, those of one time in the order they were set. */
import type { Clock } from '../core/index.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export class VirtualClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = 1_800_000_000_000) {
    this.#wallMs = startMs;
  }

  nowMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    this.#order += 1;
    const timer = { atMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Sets the wall clock without letting time pass, as an administrator or a dead battery does. */
  jumpTo(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  /** Lets time pass; what becomes due runs, with everything that it sets off. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#monotonicMs + durationMs;
    await settle();
    for (let due = this.#nextUntil(endMs); due !== undefined; due = this.#nextUntil(endMs)) {
      this.#moveTo(due.atMs);
      this.#runAllDue();
      await settle();
    }
    this.#moveTo(endMs);
  }

  /** Everything that is due now, so that hundreds of nodes cost one turn of the event loop and not one each. */
  #runAllDue(): void {
    for (let due = this.#nextUntil(this.#monotonicMs); due !== undefined; due = this.#nextUntil(this.#monotonicMs)) {
      this.#timers.delete(due);
      due.callback();
    }
  }

  #nextUntil(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs <= endMs && (next === undefined || isBefore(timer, next))) next = timer;
    }
    return next;
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

/** Lets promises that are ready run, with those that they make ready. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
