/**
 * Steps in the order of the base's keys, and back. Both halves of a block are gone through side by side: counters of
 * one half do not wait for those of the other. Pure. Spec: docs/spec/22-differences.md §3.3.
 */

const KEYS = 256;

export type Elements = Uint8Array | Uint16Array | Uint32Array;

/** Where each key's elements of the first and of the second half begin. */
interface Starts {
  readonly first: Int32Array;
  readonly second: Int32Array;
}

/** One a thread; nothing is kept in it between calls. */
const starts: Starts = { first: new Int32Array(KEYS), second: new Int32Array(KEYS) };

function countStarts(base: Elements, shift: number): Starts {
  const { first, second } = starts;
  first.fill(0);
  second.fill(0);
  const half = base.length >> 1;
  for (let at = 0; at < half; at += 1) {
    const a = ((base[at] as number) >>> shift) & 0xff;
    const b = ((base[half + at] as number) >>> shift) & 0xff;
    first[a] = (first[a] as number) + 1;
    second[b] = (second[b] as number) + 1;
  }
  if (base.length % 2 === 1) second[lastKey(base, shift)] = (second[lastKey(base, shift)] as number) + 1;
  let next = 0;
  for (let key = 0; key < KEYS; key += 1) {
    const a = first[key] as number;
    const b = second[key] as number;
    first[key] = next;
    second[key] = next + a;
    next += a + b;
  }
  return starts;
}

/** Folded steps from base to target, in groups. */
export function groupSteps(shift: number, target: Elements, base: Elements, out: Elements): void {
  const { first, second } = countStarts(base, shift);
  const half = base.length >> 1;
  const unused = 32 - 8 * base.BYTES_PER_ELEMENT;
  for (let at = 0; at < half; at += 1) {
    const a = base[at] as number;
    const b = base[half + at] as number;
    const keyA = (a >>> shift) & 0xff;
    const keyB = (b >>> shift) & 0xff;
    const toA = first[keyA] as number;
    const toB = second[keyB] as number;
    first[keyA] = toA + 1;
    second[keyB] = toB + 1;
    out[toA] = folded((((target[at] as number) - a) << unused) >> unused);
    out[toB] = folded((((target[half + at] as number) - b) << unused) >> unused);
  }
  if (base.length % 2 === 0) return;
  const last = base.length - 1;
  const step = (((target[last] as number) - (base[last] as number)) << unused) >> unused;
  out[second[lastKey(base, shift)] as number] = folded(step);
}

/** The target from base and grouped steps. */
export function ungroupSteps(shift: number, grouped: Elements, base: Elements, out: Elements): void {
  const { first, second } = countStarts(base, shift);
  const half = base.length >> 1;
  for (let at = 0; at < half; at += 1) {
    const a = base[at] as number;
    const b = base[half + at] as number;
    const keyA = (a >>> shift) & 0xff;
    const keyB = (b >>> shift) & 0xff;
    const fromA = first[keyA] as number;
    const fromB = second[keyB] as number;
    first[keyA] = fromA + 1;
    second[keyB] = fromB + 1;
    out[at] = (a + unfolded(grouped[fromA] as number)) | 0;
    out[half + at] = (b + unfolded(grouped[fromB] as number)) | 0;
  }
  if (base.length % 2 === 0) return;
  const last = base.length - 1;
  out[last] = (base[last] as number) + unfolded(grouped[second[lastKey(base, shift)] as number] as number);
}

function folded(step: number): number {
  return (step << 1) ^ (step >> 31);
}

function unfolded(step: number): number {
  return (step >>> 1) ^ -(step & 1);
}

function lastKey(base: Elements, shift: number): number {
  return ((base[base.length - 1] as number) >>> shift) & 0xff;
}

export function elementsOf(width: number, bytes: Uint8Array, byteCount: number): Elements {
  const count = Math.floor(byteCount / width);
  if (width === 1) return new Uint8Array(bytes.buffer, bytes.byteOffset, count);
  if (width === 2) return new Uint16Array(bytes.buffer, bytes.byteOffset, count);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, count);
}
