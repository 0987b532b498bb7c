/** Equal runs of a stretch of the target somewhere in the base, and what lies between them. Spec: docs/spec/22-differences.md §5.4, §5.5. */

import type { ByteSource } from './byte-source.ts';
import { type ByteSpan, endOf } from './byte-span.ts';
import { ChunkIndex } from './chunk-index.ts';
import type { Crew } from './crew.ts';
import { type CutSpan, cutSpan } from './cut-span.ts';
import { EqualRun } from './equal-run.ts';
import { DELTA_LIMITS } from './limits.ts';

/** So many bytes of the target are the base's at `base`. */
export interface Copy extends ByteSpan {
  readonly base: number;
}

/** Shorter ones are not worth their operations. */
const LEAST_COPY_BYTES = 2 * DELTA_LIMITS.operationBytes;

export interface CopyFinderOptions {
  readonly base: ByteSource;
  readonly target: ByteSource;
  readonly crew: Crew;
  readonly signal: AbortSignal | undefined;
}

export class CopyFinder {
  readonly #options: CopyFinderOptions;
  readonly #index: ChunkIndex;
  readonly #spans: readonly ByteSpan[];
  readonly #run: EqualRun;

  /** `spans` of the base are looked in, in order. */
  constructor(options: CopyFinderOptions, spans: readonly ByteSpan[]) {
    this.#options = options;
    this.#spans = spans;
    this.#index = new ChunkIndex(spans.reduce((sum, span) => sum + span.byteCount, 0));
    this.#run = new EqualRun(options.base, options.target);
  }

  async indexBase(): Promise<void> {
    const { base: source, crew, signal } = this.#options;
    for (const span of this.#spans) {
      for await (const block of cutSpan({ source, span, crew, meanBytes: this.#index.meanBytes, signal })) {
        for (const { offset, low, high } of chunksOf(block)) this.#index.add(low, high, offset);
      }
    }
  }

  /** In order, none overlapping. */
  async find(span: ByteSpan): Promise<Copy[]> {
    const { target: source, crew, signal } = this.#options;
    const copies: Copy[] = [];
    let doneUntil = span.offset;
    const cuts = { source, span, crew, meanBytes: this.#index.meanBytes, doneUntil: () => doneUntil, signal };
    for await (const block of cutSpan(cuts)) {
      for (const { offset, low, high } of chunksOf(block)) {
        if (offset < doneUntil || copies.length >= DELTA_LIMITS.plannedRanges / 2) continue;
        const base = this.#index.find(low, high);
        const copy = base === undefined ? undefined : await this.#copyAround(base, offset, doneUntil, endOf(span));
        if (copy === undefined) continue;
        copies.push(copy);
        doneUntil = endOf(copy);
      }
    }
    return copies;
  }

  async #copyAround(base: number, target: number, from: number, to: number): Promise<Copy | undefined> {
    const span = this.#spans.find((one) => one.offset <= base && base < endOf(one));
    if (span === undefined) return undefined;
    const after = await this.#run.forward(base, target, Math.min(endOf(span) - base, to - target));
    if (after === 0) return undefined;
    const before = await this.#run.backward(base, target, Math.min(base - span.offset, target - from));
    if (before + after < LEAST_COPY_BYTES) return undefined;
    return { offset: target - before, base: base - before, byteCount: before + after };
  }
}

function* chunksOf({ offset, ends, digests }: CutSpan): Generator<{ offset: number; low: number; high: number }> {
  let start = 0;
  for (let index = 0; index < ends.length; index += 1) {
    yield { offset: offset + start, low: digests[2 * index] ?? 0, high: digests[2 * index + 1] ?? 0 };
    start = ends[index] ?? start;
  }
}
