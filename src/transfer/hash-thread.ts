/**
 * The thread that hashes for one download at a time. One that has nothing left to do waits a few seconds for the next
 * download, without keeping the process alive, so that the shards of a model start a thread once. Spec: 10-transfer.md §5.
 */
import { Worker } from 'node:worker_threads';
import { siblingModule } from '../core/index.ts';
import { TRANSFER_LIMITS } from './limits.ts';

export type HashOrder =
  | { readonly do: 'update'; readonly memory: SharedArrayBuffer; readonly offset: number; readonly length: number }
  | { readonly do: 'mark' | 'rollback' | 'digest' | 'reset' };

/** Orders are carried out in the order given; `ask` is answered in that order, `tell` is not. */
export class HashThread {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<string>[] = [];
  #failure: Error | undefined;

  constructor() {
    const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };
    this.#worker = new Worker(siblingModule(import.meta.url, 'hash-worker'), { execArgv: [], resourceLimits });
    this.#worker.on('message', (answer: string) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on('error', (error) => this.#fail(error as Error));
    this.#worker.on('exit', () => this.#fail(new Error('Hashing: the worker has ended')));
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Whether it keeps the process alive. */
  set isNeeded(isNeeded: boolean) {
    if (isNeeded) this.#worker.ref();
    else this.#worker.unref();
  }

  tell(order: HashOrder): void {
    this.#worker.postMessage(order);
  }

  ask(order: HashOrder): Promise<string> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const waiting = Promise.withResolvers<string>();
    this.#waiting.push(waiting);
    this.tell(order);
    return waiting.promise;
  }

  /** Resolves when every order is answered, or never will be. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#waiting.map(({ promise }) => promise));
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}

/** At most one waits for work. */
let idle: { readonly thread: HashThread; readonly timer: NodeJS.Timeout } | undefined;

export function takeHashThread(): HashThread {
  const waiting = idle;
  idle = undefined;
  clearTimeout(waiting?.timer);
  const thread = waiting === undefined || waiting.thread.hasFailed ? new HashThread() : waiting.thread;
  thread.isNeeded = true;
  return thread;
}

/** Resolves when the thread reads no byte of its last user any more. */
export async function giveHashThread(thread: HashThread): Promise<void> {
  await thread.settled();
  if (idle !== undefined || thread.hasFailed) return thread.end();
  thread.isNeeded = false;
  const timer = setTimeout(() => {
    idle = undefined;
    void thread.end();
  }, TRANSFER_LIMITS.hashThreadIdleMs);
  idle = { thread, timer: timer.unref() };
}
