/**
 * Buffers that bytes are received in and read back into, over shared memory so that a worker can hash what is being
 * written without a copy. They go from download to download: memory outside the heap does not make the collector hurry,
 * and a new one each time would pile up by megabytes.
 */
import { TRANSFER_LIMITS } from './limits.ts';

const idle: Buffer[] = [];

/** Holds `blockBytes` of a body and, before it, a response head. */
export function takeBlock(): Buffer {
  const room = TRANSFER_LIMITS.blockBytes + TRANSFER_LIMITS.maxHeadBytes + 1;
  return idle.pop() ?? Buffer.from(new SharedArrayBuffer(room));
}

/** Only for a block that no read, write or thread has any more; once. */
export function giveBlock(block: Buffer): void {
  if (idle.length < TRANSFER_LIMITS.idleBlocks) idle.push(block);
}

/** The few blocks of one lane. One given out comes back when nobody reads it any more; a lane stops reading before it runs out. */
export class Blocks {
  #left: number;
  #isClosed = false;
  readonly #free: Buffer[] = [];

  constructor(count: number = TRANSFER_LIMITS.blocksPerLane) {
    this.#left = count;
  }

  /** Undefined when all are given out. */
  take(): Buffer | undefined {
    const block = this.#free.pop();
    if (block !== undefined || this.#left === 0) return block;
    this.#left -= 1;
    return takeBlock();
  }

  give(block: Buffer): void {
    if (this.#isClosed) giveBlock(block);
    else this.#free.push(block);
  }

  /** From here on what comes back goes to others. */
  close(): void {
    this.#isClosed = true;
    for (const block of this.#free.splice(0)) giveBlock(block);
  }

  get isEmpty(): boolean {
    return this.#free.length === 0 && this.#left === 0;
  }
}
