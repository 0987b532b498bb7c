/**
 * The SHA-256 of the whole blob while it grows, able to step back to the start of a piece that proved wrong: bytes
 * are hashed as they arrive, before their piece is verified. Large blobs are hashed in a worker thread, straight from
 * the lanes' shared buffers. Spec: docs/spec/10-transfer.md §5.
 */
import { createHash, type Hash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { siblingModule } from '../core/index.ts';
import { TRANSFER_LIMITS } from './limits.ts';

export interface WholeHash {
  /** Appends. The bytes may be reused when the promise resolves, or at once when there is none. */
  update(bytes: Buffer): void | Promise<void>;
  /** Whether `update` takes these bytes as they are; others come to it by reading back what was written. */
  takes(bytes: Buffer): boolean;
  mark(): void;
  /** Forgets what was appended since the mark. */
  rollback(): void;
  /** Lower-case hex. Ends this hash. */
  digest(): Promise<string>;
  close(): Promise<void>;
}

export function openWholeHash(sizeBytes: number): WholeHash {
  return sizeBytes <= TRANSFER_LIMITS.inlineHashBytes ? new InlineHash() : new WorkerHash();
}

/** In this thread: for what is too small to be worth a worker. */
export class InlineHash implements WholeHash {
  #hash: Hash = createHash('sha256');
  #marked: Hash | undefined;

  takes(): boolean {
    return true;
  }

  update(bytes: Buffer): void {
    this.#hash.update(bytes);
  }

  mark(): void {
    this.#marked = this.#hash.copy();
  }

  rollback(): void {
    if (this.#marked !== undefined) this.#hash = this.#marked.copy();
  }

  async digest(): Promise<string> {
    return this.#hash.digest('hex');
  }

  async close(): Promise<void> {}
}

export type HashOrder =
  | { readonly do: 'update'; readonly memory: SharedArrayBuffer; readonly offset: number; readonly length: number }
  | { readonly do: 'mark' | 'rollback' | 'digest' };

/** Orders are carried out in the order given; updates and the digest are answered in that order. */
export class WorkerHash implements WholeHash {
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

  takes(bytes: Buffer): boolean {
    return bytes.buffer instanceof SharedArrayBuffer;
  }

  async update(bytes: Buffer): Promise<void> {
    const memory = bytes.buffer as unknown as SharedArrayBuffer;
    await this.#ask({ do: 'update', memory, offset: bytes.byteOffset, length: bytes.length });
  }

  mark(): void {
    this.#tell({ do: 'mark' });
  }

  rollback(): void {
    this.#tell({ do: 'rollback' });
  }

  digest(): Promise<string> {
    return this.#ask({ do: 'digest' });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #tell(order: HashOrder): void {
    this.#worker.postMessage(order);
  }

  #ask(order: HashOrder): Promise<string> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const waiting = Promise.withResolvers<string>();
    this.#waiting.push(waiting);
    this.#tell(order);
    return waiting.promise;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}
