/**
 * Hashes files in the background, each state once. The queue owns one thread and the order of work; results go to the
 * cache before anybody hears of them. A half-read file is read from its start after a restart: SHA-256 state cannot be
 * saved. `close()` ends the thread; whoever still waits gets `cancelled`. Spec: docs/spec/08-inventory.md §8.
 */
import { Worker } from 'node:worker_threads';
import { Emitter, type Sha256, siblingModule } from '../core/index.ts';
import { isSameState } from './file-state.ts';
import type { FromWorker, ToWorker } from './hash-messages.ts';
import { JobOrder, type OrderedJob } from './job-order.ts';
import { INVENTORY_LIMITS } from './limits.ts';
import type { FileFingerprint, FileHashes, HashCache } from './ports.ts';

export type HashOutcome =
  | { readonly status: 'hashed'; readonly hashes: FileHashes; readonly fromCache: boolean }
  | { readonly status: 'changed' | 'cancelled' }
  | { readonly status: 'failed'; readonly message: string; readonly code: string | undefined };

export interface HashProgress {
  readonly file: FileFingerprint;
  readonly doneBytes: number;
}

export interface HashQueueOptions {
  readonly cache: HashCache;
  /** Bound of background reading; absent: as fast as it goes. */
  readonly rateBytesPerSecond?: number;
}

interface Job extends OrderedJob {
  readonly id: number;
  readonly file: FileFingerprint;
  readonly done: PromiseWithResolvers<HashOutcome>;
}

/** Priorities: lower first. */
export const HASH_PRIORITY = { urgent: 0, background: 10 } as const;

export class HashQueue {
  readonly progress = new Emitter<HashProgress>();
  readonly #cache: HashCache;
  readonly #rateBytesPerSecond: number | undefined;
  readonly #jobs = new Map<number, Job>();
  readonly #byPath = new Map<string, Job>();
  readonly #order = new JobOrder<Job>();
  #running: Job | undefined;
  #worker: Worker | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #nextId = 1;
  #isPaused = false;
  #isClosed = false;

  constructor({ cache, rateBytesPerSecond }: HashQueueOptions) {
    this.#cache = cache;
    this.#rateBytesPerSecond = rateBytesPerSecond;
  }

  /** Jobs that are not done. */
  get size(): number {
    return this.#jobs.size;
  }

  /** Answers from the cache, joins the job for the same state, or waits its turn. Never rejects. */
  hash(file: FileFingerprint, priority: number = HASH_PRIORITY.background): Promise<HashOutcome> {
    if (this.#isClosed) return Promise.resolve({ status: 'cancelled' });
    const cached = this.#cache.get(file);
    if (cached !== undefined) return Promise.resolve({ status: 'hashed', hashes: cached, fromCache: true });
    const job = this.#jobFor(file, priority);
    this.#schedule();
    return job.done.promise;
  }

  /** Drops the file's job; its waiters get `cancelled`. */
  cancel(path: string): void {
    const job = this.#byPath.get(path);
    if (job === undefined) return;
    if (job.state !== 'waiting') this.#send({ type: 'cancel', jobId: job.id });
    this.#finish(job, { status: 'cancelled' });
  }

  /** Stops after the chunk in hand, until `resume()`. */
  pause(): void {
    this.#isPaused = true;
    if (this.#running !== undefined) this.#suspend(this.#running);
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    for (const job of this.#jobs.values()) job.done.resolve({ status: 'cancelled' });
    this.#jobs.clear();
    this.#byPath.clear();
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #jobFor(file: FileFingerprint, priority: number): Job {
    const known = this.#byPath.get(file.path);
    if (known !== undefined && isSameState(known.file, file)) {
      if (priority < known.priority) this.#order.raise(known, priority);
      return known;
    }
    this.cancel(file.path);
    const job: Job = { id: this.#nextId, file, priority, state: 'waiting', done: Promise.withResolvers() };
    this.#nextId += 1;
    this.#jobs.set(job.id, job);
    this.#byPath.set(file.path, job);
    this.#order.add(job);
    return job;
  }

  #schedule(): void {
    if (this.#isPaused || this.#isClosed) return;
    const next = this.#order.first();
    if (next === undefined) return;
    const running = this.#running;
    if (running !== undefined) {
      const canSuspend = this.#order.suspendedCount < INVENTORY_LIMITS.suspendedHashJobs;
      if (next.priority >= running.priority || !canSuspend) return;
      this.#suspend(running);
    }
    this.#startOrResume(next);
  }

  #startOrResume(job: Job): void {
    const wasSuspended = job.state === 'suspended';
    this.#order.delete(job);
    job.state = 'running';
    this.#running = job;
    if (wasSuspended) this.#send({ type: 'resume', jobId: job.id });
    else {
      const rate = job.priority <= HASH_PRIORITY.urgent ? undefined : this.#rateBytesPerSecond;
      this.#send({ type: 'start', jobId: job.id, file: job.file, rateBytesPerSecond: rate });
    }
  }

  #suspend(job: Job): void {
    job.state = 'suspended';
    this.#running = undefined;
    this.#order.add(job);
    this.#send({ type: 'suspend', jobId: job.id });
  }

  #finish(job: Job, outcome: HashOutcome): void {
    this.#jobs.delete(job.id);
    this.#order.delete(job);
    if (this.#running === job) this.#running = undefined;
    if (this.#byPath.get(job.file.path) === job) this.#byPath.delete(job.file.path);
    job.done.resolve(outcome);
    if (this.#jobs.size === 0) this.#endWorkerSoon();
    this.#schedule();
  }

  /** A thread costs some 20 MB; the next file may be long in coming. */
  #endWorkerSoon(): void {
    this.#worker?.unref();
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      const worker = this.#worker;
      if (this.#jobs.size > 0) return;
      this.#worker = undefined;
      void worker?.terminate();
    }, INVENTORY_LIMITS.hashThreadIdleMs);
    this.#idleTimer.unref();
  }

  #send(message: ToWorker): void {
    this.#worker ??= this.#startWorker();
    this.#worker.ref();
    this.#worker.postMessage(message);
  }

  #startWorker(): Worker {
    const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };
    const worker = new Worker(siblingModule(import.meta.url, 'hash-worker'), { resourceLimits });
    worker.on('message', (message: FromWorker) => this.#onMessage(message));
    worker.on('error', (error) => this.#onWorkerGone(worker, error.message));
    worker.on('exit', (code) => this.#onWorkerGone(worker, `the hash thread ended with ${code}`));
    return worker;
  }

  #onMessage(message: FromWorker): void {
    const job = this.#jobs.get(message.jobId);
    if (job === undefined) return;
    switch (message.type) {
      case 'progress':
        this.progress.emit({ file: job.file, doneBytes: message.doneBytes });
        break;
      case 'hashed': {
        const hashes = { sha256: message.sha256 as Sha256, pieceHashes: Buffer.from(message.pieceHashes) };
        this.#cache.put(job.file, hashes);
        this.#finish(job, { status: 'hashed', hashes, fromCache: false });
        break;
      }
      case 'changed':
      case 'cancelled':
        this.#finish(job, { status: message.type });
        break;
      case 'failed':
        this.#finish(job, { status: 'failed', message: message.message, code: message.code });
        break;
    }
  }

  /** What the thread was doing is lost; what still waits gets a new thread. */
  #onWorkerGone(worker: Worker, message: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const job of [...this.#jobs.values()].filter(({ state }) => state !== 'waiting'))
      this.#finish(job, { status: 'failed', message, code: undefined });
  }
}
