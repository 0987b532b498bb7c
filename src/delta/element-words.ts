/**
 * Elements of 1, 2 or 4 bytes against the base's, several to a 32-bit word: XOR, folded steps, rotation, and the way back.
 * All arrays hold whole words; what lies past the block's end in the last one is computed and ignored. Pure.
 * Spec: docs/spec/22-differences.md §2, §3.2.
 */

/** out = target XOR base; the same call leads back. */
export function xorWords(target: Int32Array, base: Int32Array, out: Int32Array): void {
  for (let at = 0; at < out.length; at += 1) out[at] = (target[at] as number) ^ (base[at] as number);
}

/** Each element rotated left by one bit. */
export function rotateWords(width: number, target: Int32Array, out: Int32Array): void {
  const [high, low] = width === 2 ? [0xfffefffe, 0x00010001] : [0xfffffffe, 1];
  const down = 8 * width - 1;
  for (let at = 0; at < out.length; at += 1) {
    const word = target[at] as number;
    out[at] = ((word << 1) & high) | ((word >>> down) & low);
  }
}

/** Each element rotated right by one bit. */
export function unrotateWords(width: number, rotated: Int32Array, out: Int32Array): void {
  const [low, high] = width === 2 ? [0x7fff7fff, 0x80008000] : [0x7fffffff, 0x80000000];
  const up = 8 * width - 1;
  for (let at = 0; at < out.length; at += 1) {
    const word = rotated[at] as number;
    out[at] = ((word >>> 1) & low) | ((word << up) & high);
  }
}

/** Highest bit of each element of a word, by width. */
const HIGH_BITS: Readonly<Record<number, number>> = { 1: 0x80808080 | 0, 2: 0x80008000 | 0, 4: 0x80000000 | 0 };

/** out = zigzag(target − base), lanes of `width` bytes that borrow nothing from each other. */
export function stepWords(width: number, target: Int32Array, base: Int32Array, out: Int32Array): void {
  const high = HIGH_BITS[width] as number;
  const down = 8 * width - 1;
  const low = (high >>> down) | 0;
  for (let at = 0; at < out.length; at += 1) {
    const to = target[at] as number;
    const from = base[at] as number;
    const step = (((to | high) - (from & ~high)) | 0) ^ ((to ^ ~from) & high);
    const sign = (step >>> down) & low;
    out[at] = ((step << 1) & ~low) ^ signMask(sign, width);
  }
}

/** target = base + step, from folded steps. */
export function unstepWords(width: number, steps: Int32Array, base: Int32Array, out: Int32Array): void {
  const high = HIGH_BITS[width] as number;
  const low = (high >>> (8 * width - 1)) | 0;
  for (let at = 0; at < out.length; at += 1) {
    const folded = steps[at] as number;
    const from = base[at] as number;
    const step = ((folded >>> 1) & ~high) ^ signMask(folded & low, width);
    out[at] = (((step & ~high) + (from & ~high)) | 0) ^ ((step ^ from) & high);
  }
}

/** All bits of each lane whose lowest bit is set in `sign`. */
function signMask(sign: number, width: number): number {
  return width === 4 ? (0 - sign) | 0 : ((sign << (8 * width)) - sign) | 0;
}
