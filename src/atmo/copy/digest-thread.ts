/** Computes the digests of large files in a thread, so that reading and writing go on meanwhile and a daemon stays awake. One file at a time. */
import { Worker } from 'node:worker_threads';
import { siblingModule } from '../../core/index.ts';
import type { DigestWish, MemberDigests } from './member-digest.ts';

export type DigestOrder =
  | { readonly do: 'begin'; readonly wish: DigestWish }
  | { readonly do: 'update'; readonly memory: SharedArrayBuffer; readonly offset: number; readonly length: number }
  | { readonly do: 'end' };

export class DigestThread {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<MemberDigests | undefined>[] = [];
  #failure: Error | undefined;

  constructor() {
    const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };
    this.#worker = new Worker(siblingModule(import.meta.url, 'digest-worker'), { execArgv: [], resourceLimits });
    this.#worker.on('message', (answer: MemberDigests | undefined) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on('error', (error) => this.#fail(error as Error));
    this.#worker.on('exit', () => this.#fail(new Error('Hashing: the thread has ended')));
  }

  begin(wish: DigestWish): void {
    this.#tell({ do: 'begin', wish });
  }

  /** Resolves when the bytes may be overwritten. They lie in shared memory. */
  async update(bytes: Buffer): Promise<void> {
    const memory = bytes.buffer as unknown as SharedArrayBuffer;
    await this.#ask({ do: 'update', memory, offset: bytes.byteOffset, length: bytes.length });
  }

  async end(): Promise<MemberDigests> {
    return (await this.#ask({ do: 'end' })) as MemberDigests;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #tell(order: DigestOrder): void {
    this.#worker.postMessage(order);
  }

  #ask(order: DigestOrder): Promise<MemberDigests | undefined> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const waiting = Promise.withResolvers<MemberDigests | undefined>();
    this.#waiting.push(waiting);
    this.#tell(order);
    return waiting.promise;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}
