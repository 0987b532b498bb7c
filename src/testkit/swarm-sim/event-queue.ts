/**
 * What happens when in a simulation: a binary heap by time, and by order of entry within one time, so that a run is the
 * same for the same seed. Synchronous and without promises: millions of events are what it is for.
 */

/** Something that happens at its time. An object of the simulation is often its own task: no closure for each event. */
export interface Task {
  fire(): void;
}

export class EventQueue {
  nowMs = 0;
  fired = 0;
  #size = 0;
  #order = 0;
  #times = new Float64Array(1024);
  #orders = new Float64Array(1024);
  readonly #tasks: Task[] = [];

  get size(): number {
    return this.#size;
  }

  after(delayMs: number, task: Task): void {
    this.at(this.nowMs + Math.max(0, delayMs), task);
  }

  at(atMs: number, task: Task): void {
    if (this.#size === this.#times.length) this.#grow();
    this.#order += 1;
    this.#siftUp(this.#size, atMs, this.#order, task);
    this.#size += 1;
  }

  /** Fires the next task; false when there is none. */
  step(): boolean {
    const task = this.#tasks[0];
    if (this.#size === 0 || task === undefined) return false;
    this.nowMs = this.#times[0] as number;
    this.#removeFirst();
    this.fired += 1;
    task.fire();
    return true;
  }

  #removeFirst(): void {
    this.#size -= 1;
    const [time, order] = [this.#times[this.#size] as number, this.#orders[this.#size] as number];
    const task = this.#tasks.pop() as Task;
    if (this.#size > 0) this.#siftDown(time, order, task);
  }

  #siftUp(from: number, time: number, order: number, task: Task): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#times[parent] as number) <= time) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, time, order, task);
  }

  #siftDown(time: number, order: number, task: Task): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#isBefore(child + 1, child)) child += 1;
      const childTime = this.#times[child] as number;
      if (childTime > time || (childTime === time && (this.#orders[child] as number) > order)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, time, order, task);
  }

  #isBefore(one: number, other: number): boolean {
    const [first, second] = [this.#times[one] as number, this.#times[other] as number];
    return first < second || (first === second && (this.#orders[one] as number) < (this.#orders[other] as number));
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from] as number, this.#orders[from] as number, this.#tasks[from] as Task);
  }

  #put(at: number, time: number, order: number, task: Task): void {
    this.#times[at] = time;
    this.#orders[at] = order;
    this.#tasks[at] = task;
  }

  #grow(): void {
    const [times, orders] = [new Float64Array(this.#size * 2), new Float64Array(this.#size * 2)];
    times.set(this.#times);
    orders.set(this.#orders);
    [this.#times, this.#orders] = [times, orders];
  }
}
