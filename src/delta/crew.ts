/**
 * The threads of one difference that is made or applied: some for blocks, one that hashes in order. Little work is done
 * without any. Closing ends them, whatever they are at.
 */
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { siblingModule } from '../core/index.ts';
import { DeltaError, type DeltaErrorCode } from './errors.ts';
import { DELTA_LIMITS } from './limits.ts';
import { type Answer, type Answers, type Order, OrderTaker } from './orders.ts';
import { SlotMemory } from './slot-memory.ts';

export interface Crew extends AsyncDisposable {
  readonly memory: SlotMemory;
  /** Hashing is done in the order given. Throws DeltaError. */
  order<Given extends Order>(order: Given): Promise<Answer<Given>>;
}

export type ThreadAnswer =
  | { readonly result: Answers[keyof Answers] }
  | { readonly failure: { readonly message: string; readonly code?: DeltaErrorCode } };

/** `workBytes`: what there is to be read, base and target together. */
export function openCrew(workBytes: number, threads: number = DELTA_LIMITS.threads): Crew {
  if (workBytes <= DELTA_LIMITS.inlineBytes) return new InlineCrew();
  return new ThreadedCrew(Math.max(1, Math.min(threads, DELTA_LIMITS.maxThreads)));
}

class InlineCrew implements Crew {
  readonly memory = SlotMemory.ofSlots(1);
  readonly #taker = new OrderTaker(this.memory);

  async order<Given extends Order>(order: Given): Promise<Answer<Given>> {
    // Others of this event loop have their turn between two blocks.
    if (order.do === 'encode' || order.do === 'decode') await setImmediate();
    return this.#taker.carryOut(order) as Answer<Given>;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class ThreadedCrew implements Crew {
  readonly memory = SlotMemory.ofSlots(DELTA_LIMITS.slots);
  readonly #hashing = new Thread(this.memory);
  readonly #threads: readonly Thread[];

  constructor(threads: number) {
    this.#threads = Array.from({ length: threads }, () => new Thread(this.memory));
  }

  order<Given extends Order>(order: Given): Promise<Answer<Given>> {
    const isHashing = order.do === 'begin_hash' || order.do === 'hash' || order.do === 'end_hash';
    const thread = isHashing ? this.#hashing : this.#leastBusy();
    return thread.order(order) as Promise<Answer<Given>>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#hashing, ...this.#threads].map((thread) => thread.end()));
  }

  #leastBusy(): Thread {
    return this.#threads.reduce((least, thread) => (thread.waiting < least.waiting ? thread : least));
  }
}

class Thread {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<Answers[keyof Answers]>[] = [];
  #failure: Error | undefined;

  constructor(memory: SlotMemory) {
    const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };
    const workerData = { shared: memory.shared };
    this.#worker = new Worker(siblingModule(import.meta.url, 'delta-worker'), {
      execArgv: [],
      resourceLimits,
      workerData,
    });
    this.#worker.on('message', (answer: ThreadAnswer) => this.#answered(answer));
    this.#worker.on('error', (error) => this.#fail(error as Error));
    this.#worker.on('exit', () => this.#fail(new Error('Working on a difference: a thread has ended')));
  }

  /** Orders not yet answered. */
  get waiting(): number {
    return this.#waiting.length;
  }

  order(order: Order): Promise<Answers[keyof Answers]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const waiting = Promise.withResolvers<Answers[keyof Answers]>();
    this.#waiting.push(waiting);
    this.#worker.postMessage(order);
    return waiting.promise;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #answered(answer: ThreadAnswer): void {
    const waiting = this.#waiting.shift();
    if ('result' in answer) waiting?.resolve(answer.result);
    else waiting?.reject(toError(answer.failure));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}

function toError({ message, code }: { readonly message: string; readonly code?: DeltaErrorCode }): Error {
  return code === undefined ? new Error(message) : new DeltaError(code, message);
}
