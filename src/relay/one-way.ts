/**
 * What one side of a pair sends, on its way to the other: through the gate, in order. Spec: docs/spec/13-relay.md §5.
 * Of the two blocks one is read into while the other waits for its turn or leaves; reading stops when both do.
 */
import type { Socket } from 'node:net';
import type { ByteGate } from '../core/index.ts';
import type { Reads } from './own-reads.ts';

export interface OneWayOptions {
  readonly gate: ByteGate;
  readonly blockBytes: number;
  /** Counts bytes; false when no more may pass. */
  readonly count: (bytes: number) => boolean;
}

interface Block {
  readonly memory: Buffer;
  isFree: boolean;
}

export class OneWay implements Reads {
  readonly #options: OneWayOptions;
  #filling: Block;
  #other: Block;
  #from: Socket | undefined;
  #to: Socket | undefined;
  #isStopped = false;
  #hasEnded = false;
  /** Chunks that the gate holds up. */
  #waiting = 0;

  constructor(options: OneWayOptions) {
    this.#options = options;
    this.#filling = { memory: Buffer.allocUnsafeSlow(options.blockBytes), isFree: true };
    this.#other = { memory: Buffer.allocUnsafeSlow(options.blockBytes), isFree: true };
  }

  /** `from` reads by this object. What came before is the first to pass. */
  connect(from: Socket, to: Socket, before: Buffer): void {
    this.#from = from;
    this.#to = to;
    from.once('end', () => {
      this.#hasEnded = true;
      this.#endIfOver();
    });
    if (before.length > 0) this.#pass(before, () => {});
  }

  buffer(): Buffer {
    return this.#filling.memory;
  }

  callback(count: number): boolean {
    const block = this.#filling;
    this.#filling = this.#other;
    this.#other = block;
    block.isFree = false;
    this.#pass(block.memory.subarray(0, count), () => {
      block.isFree = true;
      if (this.#isStopped) this.#from?.resume();
      this.#isStopped = false;
    });
    this.#isStopped = !this.#filling.isFree;
    return !this.#isStopped;
  }

  #pass(chunk: Buffer, onLeft: () => void): void {
    const { gate, count } = this.#options;
    if (!count(chunk.length)) return;
    const wait = gate.take(chunk.length);
    if (wait === undefined) this.#write(chunk, onLeft);
    else void this.#passLater(wait, chunk, onLeft);
  }

  async #passLater(wait: Promise<void>, chunk: Buffer, onLeft: () => void): Promise<void> {
    this.#waiting += 1;
    await wait;
    this.#waiting -= 1;
    this.#write(chunk, onLeft);
    this.#endIfOver();
  }

  #write(chunk: Buffer, onLeft: () => void): void {
    if (this.#to?.destroyed === false) this.#to.write(chunk, onLeft);
  }

  /** The end may come while the last bytes wait for their turn. */
  #endIfOver(): void {
    if (this.#hasEnded && this.#waiting === 0) this.#to?.end();
  }
}
