/** How far two files are equal from two places on. */
import { KiB } from '../core/index.ts';
import { type ByteSource, readFully } from './byte-source.ts';

const STEP_BYTES = 256 * KiB;
const FIRST_STEP_BYTES = 4 * KiB;

/** Compares ever larger stretches, with two buffers of its own. */
export class EqualRun {
  readonly #base: ByteSource;
  readonly #target: ByteSource;
  readonly #baseBytes = Buffer.allocUnsafeSlow(STEP_BYTES);
  readonly #targetBytes = Buffer.allocUnsafeSlow(STEP_BYTES);

  constructor(base: ByteSource, target: ByteSource) {
    this.#base = base;
    this.#target = target;
  }

  /** Equal bytes from here on, at most so many. */
  async forward(baseAt: number, targetAt: number, mostBytes: number): Promise<number> {
    let done = 0;
    for (let step = FIRST_STEP_BYTES; done < mostBytes; step = Math.min(STEP_BYTES, step * 4)) {
      const size = Math.min(step, mostBytes - done);
      const [base, target] = await this.#read(baseAt + done, targetAt + done, size);
      if (!base.equals(target)) return done + firstDifference(base, target);
      done += size;
    }
    return done;
  }

  /** Equal bytes before here, at most so many. */
  async backward(baseAt: number, targetAt: number, mostBytes: number): Promise<number> {
    let done = 0;
    for (let step = FIRST_STEP_BYTES; done < mostBytes; step = Math.min(STEP_BYTES, step * 4)) {
      const size = Math.min(step, mostBytes - done);
      const [base, target] = await this.#read(baseAt - done - size, targetAt - done - size, size);
      if (!base.equals(target)) return done + equalTail(base, target);
      done += size;
    }
    return done;
  }

  async #read(baseAt: number, targetAt: number, size: number): Promise<[Buffer, Buffer]> {
    const base = this.#baseBytes.subarray(0, size);
    const target = this.#targetBytes.subarray(0, size);
    await Promise.all([readFully(this.#base, base, baseAt), readFully(this.#target, target, targetAt)]);
    return [base, target];
  }
}

/** They differ somewhere. */
function firstDifference(a: Buffer, b: Buffer): number {
  let at = 0;
  for (let size = a.length; size > 64; ) {
    size = Math.ceil(size / 2);
    if (a.subarray(at, at + size).equals(b.subarray(at, at + size))) at += size;
  }
  while (a[at] === b[at]) at += 1;
  return at;
}

function equalTail(a: Buffer, b: Buffer): number {
  let count = 0;
  while (a[a.length - 1 - count] === b[b.length - 1 - count]) count += 1;
  return count;
}
