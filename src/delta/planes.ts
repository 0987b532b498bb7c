/** Byte planes: the first byte of every element, then the second, and back. Pure. Spec: docs/spec/22-differences.md §3.1. */
import { wordsOf } from './words.ts';

/** `elements` of `width` bytes each; arrays begin at a whole word. */
export function splitPlanes(width: number, elements: number, from: Uint8Array, out: Uint8Array): void {
  if (width === 1) out.set(from.subarray(0, elements));
  else if (width === 2 && elements % 4 === 0)
    splitPairs(elements, wordsOf(from, elements * 2), wordsOf(out, elements * 2));
  else if (width === 4 && elements % 4 === 0)
    splitQuads(elements, wordsOf(from, elements * 4), wordsOf(out, elements * 4));
  else splitAny(width, elements, from, out);
}

export function joinPlanes(width: number, elements: number, planes: Uint8Array, out: Uint8Array): void {
  if (width === 1) out.set(planes.subarray(0, elements));
  else if (width === 2 && elements % 4 === 0)
    joinPairs(elements, wordsOf(planes, elements * 2), wordsOf(out, elements * 2));
  else if (width === 4 && elements % 4 === 0)
    joinQuads(elements, wordsOf(planes, elements * 4), wordsOf(out, elements * 4));
  else joinAny(width, elements, planes, out);
}

function splitPairs(elements: number, from: Int32Array, out: Int32Array): void {
  const high = elements / 4;
  for (let at = 0; at < high; at += 1) {
    const a = from[2 * at] as number;
    const b = from[2 * at + 1] as number;
    out[at] = (a & 0xff) | ((a >>> 8) & 0xff00) | ((b & 0xff) << 16) | ((b << 8) & 0xff000000);
    out[high + at] = ((a >>> 8) & 0xff) | ((a >>> 16) & 0xff00) | ((b << 8) & 0xff0000) | (b & 0xff000000);
  }
}

function joinPairs(elements: number, planes: Int32Array, out: Int32Array): void {
  const high = elements / 4;
  for (let at = 0; at < high; at += 1) {
    const lows = planes[at] as number;
    const highs = planes[high + at] as number;
    out[2 * at] = (lows & 0xff) | ((highs & 0xff) << 8) | ((lows & 0xff00) << 8) | ((highs & 0xff00) << 16);
    out[2 * at + 1] =
      ((lows >>> 16) & 0xff) | ((highs >>> 8) & 0xff00) | ((lows >>> 8) & 0xff0000) | (highs & 0xff000000);
  }
}

/** Four words of four bytes, the table turned on its side. */
function splitQuads(elements: number, from: Int32Array, out: Int32Array): void {
  const plane = elements / 4;
  for (let at = 0; at < plane; at += 1) {
    const a = from[4 * at] as number;
    const b = from[4 * at + 1] as number;
    const c = from[4 * at + 2] as number;
    const d = from[4 * at + 3] as number;
    out[at] = (a & 0xff) | ((b & 0xff) << 8) | ((c & 0xff) << 16) | (d << 24);
    out[plane + at] = ((a >>> 8) & 0xff) | (b & 0xff00) | ((c << 8) & 0xff0000) | ((d << 16) & 0xff000000);
    out[2 * plane + at] = ((a >>> 16) & 0xff) | ((b >>> 8) & 0xff00) | (c & 0xff0000) | ((d << 8) & 0xff000000);
    out[3 * plane + at] = (a >>> 24) | ((b >>> 16) & 0xff00) | ((c >>> 8) & 0xff0000) | (d & 0xff000000);
  }
}

function joinQuads(elements: number, planes: Int32Array, out: Int32Array): void {
  const plane = elements / 4;
  for (let at = 0; at < plane; at += 1) {
    const a = planes[at] as number;
    const b = planes[plane + at] as number;
    const c = planes[2 * plane + at] as number;
    const d = planes[3 * plane + at] as number;
    out[4 * at] = (a & 0xff) | ((b & 0xff) << 8) | ((c & 0xff) << 16) | (d << 24);
    out[4 * at + 1] = ((a >>> 8) & 0xff) | (b & 0xff00) | ((c << 8) & 0xff0000) | ((d << 16) & 0xff000000);
    out[4 * at + 2] = ((a >>> 16) & 0xff) | ((b >>> 8) & 0xff00) | (c & 0xff0000) | ((d << 8) & 0xff000000);
    out[4 * at + 3] = (a >>> 24) | ((b >>> 16) & 0xff00) | ((c >>> 8) & 0xff0000) | (d & 0xff000000);
  }
}

function splitAny(width: number, elements: number, from: Uint8Array, out: Uint8Array): void {
  for (let plane = 0; plane < width; plane += 1) {
    const start = plane * elements;
    for (let at = 0; at < elements; at += 1) out[start + at] = from[at * width + plane] as number;
  }
}

function joinAny(width: number, elements: number, planes: Uint8Array, out: Uint8Array): void {
  for (let plane = 0; plane < width; plane += 1) {
    const start = plane * elements;
    for (let at = 0; at < elements; at += 1) out[at * width + plane] = planes[start + at] as number;
  }
}
