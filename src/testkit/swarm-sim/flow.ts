/**
 * Bytes under way between two simulated machines, as a fluid: each link divides its bandwidth among its flows, max-min
 * fair; a flow runs at the lesser of what its two links grant it and of what one TCP connection manages on its path.
 */
import type { EventQueue, Task } from './event-queue.ts';

/** One direction of one machine's access line. */
export class Link {
  readonly bytesPerMs: number;
  readonly flows: Flow[] = [];
  /** What a flow gets here that asks for more. */
  level: number;
  /** Bytes that have passed. */
  passedBytes = 0;

  constructor(bytesPerMs: number) {
    this.bytesPerMs = bytesPerMs;
    this.level = bytesPerMs;
  }
}

export interface FlowPath {
  readonly up: Link;
  readonly down: Link;
  /** The most that one connection on this path carries. */
  readonly capBytesPerMs: number;
}

/** One connection. It takes a share of its links while it has bytes to carry, and none while it waits. */
export class Flow implements Task {
  readonly path: FlowPath;
  grantedUp = 0;
  grantedDown = 0;
  /** Bytes that arrived since somebody asked; whole requests and the one under way. */
  arrivedBytes = 0;
  isActive = false;
  readonly #queue: EventQueue;
  readonly #done: () => void;
  #rate = 0;
  #leftBytes = 0;
  #atMs = 0;
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(path: FlowPath, queue: EventQueue, done: () => void) {
    this.path = path;
    this.#queue = queue;
    this.#done = done;
  }

  get rate(): number {
    return this.#rate;
  }

  /** The next bytes to carry; `done` is called when they have all passed. */
  load(bytes: number): void {
    this.progress();
    this.#leftBytes = bytes;
    this.#wake();
  }

  /** Takes account of the time that has passed at the present rate. */
  progress(): void {
    const now = this.#queue.nowMs;
    if (now > this.#atMs && this.#rate > 0) this.#carry(Math.min(this.#leftBytes, this.#rate * (now - this.#atMs)));
    this.#atMs = now;
  }

  /** The links have granted something else. */
  regrant(): void {
    const rate = this.isActive ? Math.min(this.grantedUp, this.grantedDown, this.path.capBytesPerMs) : 0;
    if (rate === this.#rate) return;
    this.progress();
    this.#rate = rate;
    this.#wake();
  }

  /** A wake-up may come too early, when the flow has become slower since: it is then set anew. */
  fire(): void {
    if (this.#queue.nowMs < this.#wakeAtMs) return;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    if (!this.isActive) return;
    this.progress();
    if (this.#leftBytes > 0.5) {
      this.#wake();
      return;
    }
    this.#carry(this.#leftBytes);
    this.#done();
  }

  /** Bytes not carried yet are dropped. */
  drop(): void {
    this.progress();
    this.#leftBytes = 0;
    this.#rate = 0;
  }

  #carry(bytes: number): void {
    this.#leftBytes -= bytes;
    this.arrivedBytes += bytes;
    this.path.up.passedBytes += bytes;
    this.path.down.passedBytes += bytes;
  }

  #wake(): void {
    if (this.#rate <= 0 || !this.isActive) return;
    const atMs = this.#atMs + this.#leftBytes / this.#rate;
    // A later time than the one set is found out when that one comes.
    if (atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    this.#queue.at(atMs, this);
  }
}
