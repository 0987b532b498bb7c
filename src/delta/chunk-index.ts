/** Where chunks of the base begin, by digest, in fixed memory. Spec: docs/spec/22-differences.md §5.5. */
import { DELTA_LIMITS } from './limits.ts';

const SLOTS = 2 * DELTA_LIMITS.indexedChunks;

/** The mean of chunks for so many bytes of base: a power of two. */
export function meanChunkBytes(baseBytes: number): number {
  let mean: number = DELTA_LIMITS.meanChunkBytes;
  while (mean < DELTA_LIMITS.maxMeanChunkBytes && baseBytes / mean > DELTA_LIMITS.indexedChunks / 2) mean *= 2;
  return mean;
}

export class ChunkIndex {
  readonly meanBytes: number;
  /** A chunk is kept where these bits of its digest are 0. */
  readonly #keptMask: number;
  readonly #offsets = new Float64Array(SLOTS);
  /** Two words of digest a chunk. */
  readonly #digests = new Uint32Array(2 * SLOTS);
  readonly #isTaken = new Uint8Array(SLOTS);
  #count = 0;

  constructor(baseBytes: number) {
    this.meanBytes = meanChunkBytes(baseBytes);
    const excess = baseBytes / this.meanBytes / (DELTA_LIMITS.indexedChunks / 2);
    this.#keptMask = 2 ** Math.max(0, Math.ceil(Math.log2(excess))) - 1;
  }

  /** The first chunk of a digest stays; what is beyond the bound is left out. */
  add(low: number, high: number, offset: number): void {
    if ((high & this.#keptMask) !== 0 || this.#count >= DELTA_LIMITS.indexedChunks) return;
    const slot = this.#slotOf(low, high);
    if (this.#isTaken[slot] === 1) return;
    this.#isTaken[slot] = 1;
    this.#offsets[slot] = offset;
    this.#digests[2 * slot] = low;
    this.#digests[2 * slot + 1] = high;
    this.#count += 1;
  }

  find(low: number, high: number): number | undefined {
    const slot = this.#slotOf(low, high);
    return this.#isTaken[slot] === 1 ? this.#offsets[slot] : undefined;
  }

  /** The slot with this digest, or the free one where it would be. */
  #slotOf(low: number, high: number): number {
    let slot = low % SLOTS;
    while (this.#isTaken[slot] === 1 && (this.#digests[2 * slot] !== low || this.#digests[2 * slot + 1] !== high))
      slot = (slot + 1) % SLOTS;
    return slot;
  }
}
