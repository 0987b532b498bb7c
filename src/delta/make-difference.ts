/**
 * Makes a difference: plans what is held against what, then reads block after block ahead, has threads find the smallest way
 * to say each, and writes them in the target's order. Spec: docs/spec/22-differences.md §5.
 */
import type { Sha256 } from '../core/index.ts';
import { type ByteSource, readFully } from './byte-source.ts';
import { type Crew, openCrew } from './crew.ts';
import { type DifferenceSink, DifferenceWriter, type EncodingCount, TooLarge } from './difference-writer.ts';
import type { EncodedBlock } from './encode-block.ts';
import { DeltaError } from './errors.ts';
import { DELTA_LIMITS } from './limits.ts';
import type { Encoding } from './operation.ts';
import { mostDifferenceBytes } from './plan-chain.ts';
import { planSegments } from './plan-segments.ts';
import { blocksOf, type SegmentBlock } from './segment.ts';
import { SlotLine } from './slot-line.ts';

/** A blob, by the digest that the caller knows, and its bytes. */
export interface DifferenceSource {
  readonly sha256: Sha256;
  readonly bytes: ByteSource;
}

export interface MakeOptions {
  readonly base: DifferenceSource;
  readonly target: DifferenceSource;
  readonly output: DifferenceSink;
  /** A larger one is not made; unless given, what is worth it. */
  readonly mostBytes?: number;
  readonly threads?: number;
  readonly onProgress?: (doneBytes: number, allBytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface MadeDifference {
  readonly outcome: 'made';
  readonly sizeBytes: number;
  readonly sha256: Sha256;
  readonly encodings: Readonly<Partial<Record<Encoding, EncodingCount>>>;
}

/** The output is of no use then. */
export interface NotWorthIt {
  readonly outcome: 'not_worth_it';
  readonly mostBytes: number;
}

/** Throws DeltaError `source_changed`, and what sources and output throw. */
export async function makeDifference(options: MakeOptions): Promise<MadeDifference | NotWorthIt> {
  const { base, target } = options;
  const mostBytes = options.mostBytes ?? mostDifferenceBytes(target.bytes.sizeBytes);
  await using crew = openCrew(base.bytes.sizeBytes + target.bytes.sizeBytes, options.threads);
  const writer = new DifferenceWriter(options.output, mostBytes);
  try {
    await new Making(options, crew, writer).run();
    const sha256 = await writer.end();
    return { outcome: 'made', sizeBytes: writer.sizeBytes, sha256, encodings: writer.encodings };
  } catch (thrown) {
    if (thrown instanceof TooLarge) return { outcome: 'not_worth_it', mostBytes };
    throw thrown;
  }
}

class Making {
  readonly #options: MakeOptions;
  readonly #crew: Crew;
  readonly #writer: DifferenceWriter;
  readonly #line: SlotLine;
  /** Of the base, for dictionaries; what a reader allows beyond them is left to copies and bases. */
  #spareWindowBytes: number;

  constructor(options: MakeOptions, crew: Crew, writer: DifferenceWriter) {
    this.#options = options;
    this.#crew = crew;
    this.#writer = writer;
    this.#line = new SlotLine(crew.memory.slots);
    const { freeBaseBytes, baseReads } = DELTA_LIMITS;
    this.#spareWindowBytes = freeBaseBytes + (baseReads - 1) * options.target.bytes.sizeBytes;
  }

  async run(): Promise<void> {
    const { base, target, signal } = this.#options;
    const segments = await planSegments({ base: base.bytes, target: target.bytes, crew: this.#crew, signal });
    await this.#crew.order({ do: 'begin_hash', sizeBytes: target.bytes.sizeBytes });
    const [from, to] = [base, target].map(({ sha256, bytes }) => ({ sha256, sizeBytes: bytes.sizeBytes }));
    if (from === undefined || to === undefined) return;
    await this.#writer.begin({ base: from, target: to });
    try {
      for (const segment of segments) for (const block of blocksOf(segment)) await this.#takeBlock(block);
      await this.#line.drained();
    } finally {
      await this.#line.settled();
    }
    const { sha256 } = await this.#crew.order({ do: 'end_hash' });
    if (sha256 !== target.sha256)
      throw new DeltaError('source_changed', `Making a difference: the target is ${sha256}, wanted ${target.sha256}`);
  }

  async #takeBlock(planned: SegmentBlock): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const slot = await this.#line.take();
    const block = this.#withinBudget(planned);
    this.#line.hand(slot, this.#encode(slot, block), (encoded) => this.#finish(slot, block, encoded));
  }

  #withinBudget(block: SegmentBlock): SegmentBlock {
    const { window, ...others } = block;
    if (window === undefined) return block;
    if (window.byteCount > this.#spareWindowBytes) return others;
    this.#spareWindowBytes -= window.byteCount;
    return block;
  }

  async #encode(slot: number, block: SegmentBlock): Promise<EncodedBlock> {
    const { base, target } = this.#options;
    const { offset, first, second, window, ...rest } = block;
    const { memory } = this.#crew;
    const reads = [readFully(target.bytes, memory.area(slot, 'target', rest.byteCount), offset)];
    const read = (area: 'first' | 'second' | 'window', at: number, byteCount: number) =>
      reads.push(readFully(base.bytes, memory.area(slot, area, byteCount), at));
    if (first !== undefined) read('first', first, rest.byteCount);
    if (second !== undefined) read('second', second, rest.byteCount);
    if (window !== undefined) read('window', window.offset, window.byteCount);
    for (const done of await Promise.allSettled(reads)) if (done.status === 'rejected') throw done.reason;
    return this.#crew.order({ do: 'encode', slot, task: block });
  }

  async #finish(slot: number, { offset, byteCount }: SegmentBlock, { operation }: EncodedBlock): Promise<void> {
    const { memory } = this.#crew;
    const hashed = this.#crew.order({ do: 'hash', slot, byteCount });
    hashed.catch(() => {});
    await this.#writer.add(operation, memory.area(slot, 'payload', operation.payloadBytes));
    await hashed;
    this.#options.onProgress?.(offset + byteCount, this.#options.target.bytes.sizeBytes);
  }
}
