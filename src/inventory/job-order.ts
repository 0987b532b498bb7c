/** Which job is next: lowest priority number, then one begun already, then the oldest. Jobs that run are not in it. */
export interface OrderedJob {
  priority: number;
  state: 'waiting' | 'running' | 'suspended';
}

export class JobOrder<Job extends OrderedJob> {
  /** Waiting jobs by priority, each in the order of their coming. */
  readonly #waiting = new Map<number, Set<Job>>();
  readonly #suspended = new Set<Job>();

  get suspendedCount(): number {
    return this.#suspended.size;
  }

  add(job: Job): void {
    if (job.state === 'suspended') this.#suspended.add(job);
    else this.#waiting.set(job.priority, (this.#waiting.get(job.priority) ?? new Set()).add(job));
  }

  delete(job: Job): void {
    this.#suspended.delete(job);
    const alike = this.#waiting.get(job.priority);
    alike?.delete(job);
    if (alike?.size === 0) this.#waiting.delete(job.priority);
  }

  /** Gives a job another priority, whatever its state. */
  raise(job: Job, priority: number): void {
    this.delete(job);
    job.priority = priority;
    if (job.state !== 'running') this.add(job);
  }

  first(): Job | undefined {
    let best: Job | undefined;
    for (const job of this.#suspended) if (best === undefined || job.priority < best.priority) best = job;
    for (const [priority, jobs] of this.#waiting) {
      const [oldest] = jobs;
      if (oldest !== undefined && (best === undefined || priority < best.priority)) best = oldest;
    }
    return best;
  }
}
