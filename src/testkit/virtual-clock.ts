/** A clock that moves only when told. Callbacks run in the order of their times, those of one time in the order they were set. */
import type { Clock } from '../core/index.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  callback: () => void;
}

export class VirtualClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  #order = 0;
  /** A binary heap: the next timer first. Cancelled ones stay until their time, without their callback. */
  readonly #heap: Timer[] = [];

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
    const timer: Timer = { atMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order, callback };
    pushTimer(this.#heap, timer);
    return () => {
      timer.callback = () => {};
    };
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
      popTimer(this.#heap);
      due.callback();
    }
  }

  #nextUntil(endMs: number): Timer | undefined {
    const next = this.#heap[0];
    return next !== undefined && next.atMs <= endMs ? next : undefined;
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

function pushTimer(heap: Timer[], timer: Timer): void {
  let at = heap.push(timer) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!swapIfBefore(heap, at, parent)) return;
    at = parent;
  }
}

function popTimer(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const right = left + 1;
    const child = right < heap.length && isBefore(heap[right] as Timer, heap[left] as Timer) ? right : left;
    if (child >= heap.length || !swapIfBefore(heap, child, at)) return;
    at = child;
  }
}

function swapIfBefore(heap: Timer[], one: number, other: number): boolean {
  const [first, second] = [heap[one] as Timer, heap[other] as Timer];
  if (!isBefore(first, second)) return false;
  heap[one] = second;
  heap[other] = first;
  return true;
}

/** Lets promises that are ready run, with those that they make ready. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
