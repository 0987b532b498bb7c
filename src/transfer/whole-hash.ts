/**
 * The SHA-256 of the whole blob while it grows, able to step back to the start of a piece that proved wrong: bytes
 * are hashed as they arrive, before their piece is verified. Large blobs are hashed in a worker thread, straight from
 * the lanes' shared buffers. Spec: docs/spec/10-transfer.md §5.
 */
import { createHash, type Hash } from 'node:crypto';
import { giveHashThread, takeHashThread } from './hash-thread.ts';
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

/** Orders are carried out in the order given; updates and the digest are answered in that order. */
export class WorkerHash implements WholeHash {
  readonly #thread = takeHashThread();
  #closed: Promise<void> | undefined;

  constructor() {
    this.#thread.tell({ do: 'reset' });
  }

  takes(bytes: Buffer): boolean {
    return bytes.buffer instanceof SharedArrayBuffer;
  }

  async update(bytes: Buffer): Promise<void> {
    const memory = bytes.buffer as unknown as SharedArrayBuffer;
    await this.#thread.ask({ do: 'update', memory, offset: bytes.byteOffset, length: bytes.length });
  }

  mark(): void {
    this.#thread.tell({ do: 'mark' });
  }

  rollback(): void {
    this.#thread.tell({ do: 'rollback' });
  }

  digest(): Promise<string> {
    return this.#thread.ask({ do: 'digest' });
  }

  /** From here on the thread is another's. */
  close(): Promise<void> {
    this.#closed ??= giveHashThread(this.#thread);
    return this.#closed;
  }
}
