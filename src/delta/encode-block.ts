/**
 * The smallest of all ways to say a block, found on a sample of it. The same block against the same base bytes always comes
 * out alike, whichever thread does it. Spec: docs/spec/22-differences.md §5.3.
 */
import { type Layout, layOut } from './block-layout.ts';
import { type ElementType, waysOf } from './element-type.ts';
import { DELTA_LIMITS } from './limits.ts';
import type { Operation } from './operation.ts';
import type { AreaName, SlotMemory } from './slot-memory.ts';
import { compress, EFFORTS, type Effort, isDictionary } from './zstd.ts';

export interface BlockTask {
  readonly byteCount: number;
  readonly type: ElementType;
  /** Where the base's bytes in the slot's areas of these names are from. */
  readonly first?: number;
  readonly second?: number;
  readonly window?: { readonly offset: number; readonly byteCount: number };
}

/** The payload is in the slot's area of that name. */
export interface EncodedBlock {
  readonly operation: Operation;
}

type Way =
  | { readonly layout: Layout; readonly from?: 'first' | 'second' }
  | { readonly layout?: undefined; readonly from: 'window' };

/** A costlier way is taken when it makes less than this of what a cheaper one does. */
const CLEARLY = 0.97;
/** A dictionary is tried where nothing else makes less than this of a block. */
const GOOD = 0.3;
const SLICES = 4;

const { blockBytes, sampleBytes, smallBytes } = DELTA_LIMITS;
const laid = new Uint8Array(blockBytes);
const targetSample = new Uint8Array(sampleBytes);
const baseSamples = { first: new Uint8Array(sampleBytes), second: new Uint8Array(sampleBytes) };

export function encodeBlock(memory: SlotMemory, slot: number, task: BlockTask): EncodedBlock {
  const block = new Block(memory, slot, task);
  const from = block.equalBase();
  if (from !== undefined) return { operation: block.operation('copy', { from }) };
  return { operation: block.encode(block.choose()) };
}

class Block {
  readonly #memory: SlotMemory;
  readonly #slot: number;
  readonly #task: BlockTask;

  constructor(memory: SlotMemory, slot: number, task: BlockTask) {
    this.#memory = memory;
    this.#slot = slot;
    this.#task = task;
  }

  equalBase(): 'first' | 'second' | undefined {
    const target = this.#area('target');
    return this.#bases().find((name) => this.#area(name).equals(target));
  }

  choose(): Way {
    const sampled = this.#sample();
    let best: { readonly way: Way; readonly sizeBytes: number } | undefined;
    for (const way of this.#layouts()) {
      const base = way.from === undefined ? targetSample : baseSamples[way.from];
      const laidBytes = layOut(way.layout, sampled, targetSample, base, laid);
      if (laidBytes === undefined) continue;
      const sizeBytes = compress(laid.subarray(0, laidBytes), effortOf(way.layout, sampled)).length;
      if (best === undefined || sizeBytes < best.sizeBytes * CLEARLY) best = { way, sizeBytes };
    }
    const [smallest, way] = [best?.sizeBytes ?? sampled, best?.way ?? PLAIN];
    if (smallest < sampled * GOOD || !this.#hasDictionary()) return way;
    const patched = this.#patched(targetSample.subarray(0, sampled));
    return patched.length < smallest * CLEARLY ? { from: 'window' } : way;
  }

  encode(way: Way): Operation {
    const { byteCount } = this.#task;
    const payload = this.#compressed(way);
    if (payload === undefined) return this.encode(denser(way));
    if (payload.length >= byteCount) {
      this.#memory.area(this.#slot, 'payload', byteCount).set(this.#area('target'));
      return this.operation('raw', { payloadBytes: byteCount });
    }
    this.#memory.area(this.#slot, 'payload').set(payload);
    const { layout, from } = way;
    const fields = { ...layout, payloadBytes: payload.length, ...(from === undefined ? {} : { from }) };
    return this.operation(layout?.kind ?? 'patch', fields);
  }

  operation(kind: Operation['kind'], fields: Partial<Operation> & { readonly from?: 'first' | 'second' | 'window' }) {
    const { byteCount: targetBytes, window } = this.#task;
    const { from, width = 0, argument = 0, payloadBytes = 0 } = fields;
    const place = { kind, width, argument, targetBytes, payloadBytes };
    if (from === undefined) return { ...place, baseOffset: 0, baseBytes: 0 };
    if (from === 'window') return { ...place, baseOffset: window?.offset ?? 0, baseBytes: window?.byteCount ?? 0 };
    return { ...place, baseOffset: this.#task[from] ?? 0, baseBytes: targetBytes };
  }

  #compressed(way: Way): Buffer | undefined {
    const { byteCount } = this.#task;
    const target = this.#area('target');
    if (way.layout === undefined) return this.#patched(target);
    const laidBytes = layOut(way.layout, byteCount, target, this.#area(way.from ?? 'target'), laid);
    if (laidBytes === undefined) return undefined;
    return compress(laid.subarray(0, laidBytes), effortOf(way.layout, byteCount));
  }

  #patched(bytes: Uint8Array): Buffer {
    const dictionary = this.#dictionary();
    return compress(bytes, patchEffortOf(bytes.length, dictionary.length), dictionary);
  }

  *#layouts(): Generator<Extract<Way, { readonly layout: Layout }>> {
    for (const layout of waysOf(this.#task.type)) {
      if (layout.kind === 'planes') yield { layout };
      else for (const from of this.#bases()) yield { layout, from };
    }
  }

  #bases(): ('first' | 'second')[] {
    return (['first', 'second'] as const).filter((name) => this.#task[name] !== undefined);
  }

  #area(name: Exclude<AreaName, 'window' | 'payload'>): Buffer {
    return this.#memory.area(this.#slot, name, this.#task.byteCount);
  }

  #dictionary(): Buffer {
    return this.#memory.area(this.#slot, 'window', this.#task.window?.byteCount ?? 0);
  }

  #hasDictionary(): boolean {
    return this.#task.window !== undefined && isDictionary(this.#dictionary());
  }

  /** Slices of the block, spread over it, each beginning at an element of any width that is tried; how many bytes. */
  #sample(): number {
    const { byteCount, type } = this.#task;
    const unit = 4 * Math.max(1, type.width);
    const isWhole = byteCount <= sampleBytes;
    const sliceBytes = isWhole ? byteCount : Math.floor(sampleBytes / SLICES / unit) * unit;
    const slices = isWhole ? 1 : SLICES;
    const stride = isWhole ? 0 : Math.floor((byteCount - sliceBytes) / (SLICES - 1) / unit) * unit;
    for (let slice = 0; slice < slices; slice += 1) {
      const [from, to] = [slice * stride, slice * stride + sliceBytes];
      targetSample.set(this.#area('target').subarray(from, to), slice * sliceBytes);
      for (const name of this.#bases()) baseSamples[name].set(this.#area(name).subarray(from, to), slice * sliceBytes);
    }
    return slices * sliceBytes;
  }
}

const BYTES: Layout = { kind: 'planes', width: 1, argument: 0 };
const PLAIN: Way = { layout: BYTES };

/** The sample had few changes and the block has many. */
function denser({ layout = BYTES, from }: Way): Way {
  return from === 'first' || from === 'second' ? { layout: { ...layout, kind: 'step' }, from } : PLAIN;
}

/** Measured (docs/adr/0014): on planes higher levels find runs by chance that cost more than they save. */
function effortOf({ kind, width }: Layout, byteCount: number): Effort {
  if (kind !== 'planes' || width !== 1) return EFFORTS.planes;
  return byteCount <= sampleBytes ? EFFORTS.small : EFFORTS.bytes;
}

function patchEffortOf(byteCount: number, dictionaryBytes: number): Effort {
  return byteCount + dictionaryBytes <= 2 * smallBytes ? EFFORTS.smallPatch : EFFORTS.patch;
}
