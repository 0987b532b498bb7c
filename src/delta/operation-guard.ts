/** Holds the operations of one difference, as they come, against its header. Pure. Spec: docs/spec/22-differences.md §4. */
import type { DifferenceHeader } from './header.ts';
import { DELTA_LIMITS } from './limits.ts';
import { badOperation, type Operation } from './operation.ts';

export class OperationGuard {
  readonly #header: DifferenceHeader;
  readonly #most: number;
  readonly #mostBaseBytes: number;
  #count = 0;
  #targetBytes = 0;
  #baseBytes = 0;

  constructor(header: DifferenceHeader) {
    this.#header = header;
    this.#most = mostOperations(header.target.sizeBytes);
    this.#mostBaseBytes = mostBaseBytes(header.target.sizeBytes);
  }

  /** Where the next operation's bytes begin. */
  get targetBytes(): number {
    return this.#targetBytes;
  }

  /** Throws `bad_operation`. */
  admit({ kind, targetBytes, baseOffset, baseBytes }: Operation): void {
    const { base, target } = this.#header;
    if (kind === 'end') {
      if (this.#targetBytes === target.sizeBytes) return;
      throw badOperation(`the end comes at byte ${this.#targetBytes} of ${target.sizeBytes}`);
    }
    this.#count += 1;
    this.#targetBytes += targetBytes;
    this.#baseBytes += baseBytes;
    if (this.#count > this.#most) throw badOperation(`more than ${this.#most} operations`);
    if (this.#targetBytes > target.sizeBytes)
      throw badOperation(`it ends at byte ${this.#targetBytes} of a target of ${target.sizeBytes}`);
    if (baseOffset + baseBytes > base.sizeBytes)
      throw badOperation(`it ends at byte ${baseOffset + baseBytes} of a base of ${base.sizeBytes}`);
    if (this.#baseBytes > this.#mostBaseBytes)
      throw badOperation(`more than ${this.#mostBaseBytes} bytes are read of the base`);
  }
}

export function mostOperations(targetBytes: number): number {
  return DELTA_LIMITS.freeOperations + Math.floor(targetBytes / DELTA_LIMITS.operationBytes);
}

export function mostBaseBytes(targetBytes: number): number {
  return DELTA_LIMITS.freeBaseBytes + DELTA_LIMITS.baseReads * targetBytes;
}
