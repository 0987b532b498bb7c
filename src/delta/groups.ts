/** Planes of steps in the order of the base's keys, and back. Pure. Spec: docs/spec/22-differences.md §3.3. */

const KEYS = 256;

type Elements = Uint16Array | Uint32Array;

/** Where each key's group begins. */
function groupStarts(base: Elements, shift: number): Uint32Array {
  const starts = new Uint32Array(KEYS + 1);
  for (let at = 0; at < base.length; at += 1) {
    const key = (((base[at] as number) >>> shift) & 0xff) + 1;
    starts[key] = (starts[key] as number) + 1;
  }
  for (let key = 0; key < KEYS; key += 1) starts[key + 1] = (starts[key + 1] as number) + (starts[key] as number);
  return starts;
}

export function groupPlanes(width: number, shift: number, steps: Elements, base: Elements, out: Uint8Array): void {
  const next = groupStarts(base, shift);
  const count = base.length;
  for (let at = 0; at < count; at += 1) {
    const key = ((base[at] as number) >>> shift) & 0xff;
    const place = next[key] as number;
    next[key] = place + 1;
    const step = steps[at] as number;
    out[place] = step;
    out[count + place] = step >>> 8;
    if (width === 2) continue;
    out[2 * count + place] = step >>> 16;
    out[3 * count + place] = step >>> 24;
  }
}

export function ungroupPlanes(width: number, shift: number, planes: Uint8Array, base: Elements, steps: Elements): void {
  const next = groupStarts(base, shift);
  const count = base.length;
  for (let at = 0; at < count; at += 1) {
    const key = ((base[at] as number) >>> shift) & 0xff;
    const place = next[key] as number;
    next[key] = place + 1;
    const low = (planes[place] as number) | ((planes[count + place] as number) << 8);
    steps[at] =
      width === 2
        ? low
        : low | ((planes[2 * count + place] as number) << 16) | ((planes[3 * count + place] as number) << 24);
  }
}

export function elementsOf(width: number, bytes: Uint8Array, byteCount: number): Elements {
  const count = Math.floor(byteCount / width);
  return width === 2
    ? new Uint16Array(bytes.buffer, bytes.byteOffset, count)
    : new Uint32Array(bytes.buffer, bytes.byteOffset, count);
}
