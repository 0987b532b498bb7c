/**
 * The few buffers of a lane, over shared memory so that a worker can hash what is being written without a copy.
 * A block given out comes back when nobody reads it any more; a lane stops reading before it runs out.
 */
import { TRANSFER_LIMITS } from './limits.ts';

export class Blocks {
  readonly #free: Buffer[] = [];
  readonly #room: number;
  #left: number;

  /** Blocks hold `blockBytes` of a body and, before it, a response head. */
  constructor(count: number = TRANSFER_LIMITS.blocksPerLane) {
    this.#left = count;
    this.#room = TRANSFER_LIMITS.blockBytes + TRANSFER_LIMITS.maxHeadBytes + 1;
  }

  /** Undefined when all are given out. */
  take(): Buffer | undefined {
    const block = this.#free.pop();
    if (block !== undefined || this.#left === 0) return block;
    this.#left -= 1;
    return Buffer.from(new SharedArrayBuffer(this.#room));
  }

  give(block: Buffer): void {
    this.#free.push(block);
  }

  get isEmpty(): boolean {
    return this.#free.length === 0 && this.#left === 0;
  }
}
