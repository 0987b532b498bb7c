/**
 * How a block's bytes are laid out for compression, by kind, and put back. All arrays begin at a whole word and have room
 * for the last one. Numbers are little-endian on disk and, as on every platform of Node, in memory. Pure.
 * Spec: docs/spec/22-differences.md §2, §3.
 */
import { rotateWords, stepWords, unrotateWords, unstepWords, xorWords } from './element-words.ts';
import { elementsOf, groupSteps, ungroupSteps } from './groups.ts';
import { DELTA_LIMITS } from './limits.ts';
import type { Encoding } from './operation.ts';
import { joinPlanes, splitPlanes } from './planes.ts';
import { layOutSparse, putBackSparse } from './sparse-steps.ts';
import { wordsOf } from './words.ts';

export interface Layout {
  readonly kind: Extract<Encoding, 'planes' | 'xor' | 'step' | 'grouped' | 'sparse'>;
  readonly width: number;
  readonly argument: number;
}

/** One a thread; nothing is kept in it between calls. */
const scratch = new Uint8Array(DELTA_LIMITS.blockBytes);

/**
 * How many bytes of `out` it takes; undefined where the block is not of a kind that this is for. `base` has as many bytes as
 * the block; `planes` takes none.
 */
export function layOut(
  layout: Layout,
  byteCount: number,
  target: Uint8Array,
  base: Uint8Array,
  out: Uint8Array,
): number | undefined {
  const { width, argument } = layout;
  if (layout.kind === 'sparse') return layOutSparse(width, byteCount, target, base, out);
  const elements = Math.floor(byteCount / width);
  if (layout.kind === 'grouped') {
    const [elementsTo, elementsFrom] = [elementsOf(width, target, byteCount), elementsOf(width, base, byteCount)];
    groupSteps(argument, elementsTo, elementsFrom, elementsOf(width, scratch, byteCount));
    splitPlanes(width, elements, scratch, out);
  } else splitPlanes(width, elements, toValues(layout, byteCount, target, base), out);
  copyRest(layout, elements * width, byteCount, target, base, out);
  return byteCount;
}

/** `laid` is all that was laid out. Throws `bad_payload`, of `sparse` alone. */
export function putBack(layout: Layout, byteCount: number, laid: Uint8Array, base: Uint8Array, out: Uint8Array): void {
  const { kind, width, argument } = layout;
  if (kind === 'sparse') {
    putBackSparse(width, byteCount, laid, base, out);
    return;
  }
  const elements = Math.floor(byteCount / width);
  const isPlain = kind === 'planes' && argument === 0;
  joinPlanes(width, elements, laid, isPlain ? out : scratch);
  if (kind === 'grouped') {
    const [steps, elementsFrom] = [elementsOf(width, scratch, byteCount), elementsOf(width, base, byteCount)];
    ungroupSteps(argument, steps, elementsFrom, elementsOf(width, out, byteCount));
  } else if (!isPlain) fromValues(layout, byteCount, base, out);
  copyRest(layout, elements * width, byteCount, laid, base, out);
}

/** The block's elements as they are compressed, still in their places. */
function toValues(layout: Layout, byteCount: number, target: Uint8Array, base: Uint8Array): Uint8Array {
  const { kind, width, argument } = layout;
  if (kind === 'planes' && argument === 0) return target;
  const words = wordsOf(target, byteCount);
  const out = wordsOf(scratch, byteCount);
  if (kind === 'planes') rotateWords(width, words, out);
  else if (kind === 'xor') xorWords(words, wordsOf(base, byteCount), out);
  else stepWords(width, words, wordsOf(base, byteCount), out);
  return scratch;
}

function fromValues({ kind, width }: Layout, byteCount: number, base: Uint8Array, out: Uint8Array): void {
  const values = wordsOf(scratch, byteCount);
  const words = wordsOf(out, byteCount);
  if (kind === 'planes') unrotateWords(width, values, words);
  else if (kind === 'xor') xorWords(values, wordsOf(base, byteCount), words);
  else unstepWords(width, values, wordsOf(base, byteCount), words);
}

/** Bytes after the last whole element: as they are, or XORed; the same both ways. */
function copyRest(
  { kind }: Layout,
  start: number,
  end: number,
  from: Uint8Array,
  base: Uint8Array,
  out: Uint8Array,
): void {
  for (let at = start; at < end; at += 1)
    out[at] = (from[at] as number) ^ (kind === 'planes' ? 0 : (base[at] as number));
}
