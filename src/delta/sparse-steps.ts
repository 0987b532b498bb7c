/** Steps of a block in which few elements change: how far apart they are, then what they change by. Pure. Spec: docs/spec/22-differences.md §3.4. */
import { DeltaError } from './errors.ts';
import { type Elements, elementsOf } from './groups.ts';
import { DELTA_LIMITS } from './limits.ts';

const COUNT_BYTES = 4;
/** A gap byte that another follows. */
const MORE = 255;
/** Where more than one element in so many changes, other ways are smaller. */
const SPARSE = 8;
/** Of fewer bytes the count alone takes too many. */
const LEAST_BYTES = 64;

/** One a thread; nothing is kept in it between calls. */
const steps = new Uint32Array(Math.ceil(DELTA_LIMITS.blockBytes / SPARSE));

/** How many bytes of `out` it takes; undefined where too many elements change. */
export function layOutSparse(
  width: number,
  byteCount: number,
  target: Uint8Array,
  base: Uint8Array,
  out: Uint8Array,
): number | undefined {
  if (byteCount < LEAST_BYTES) return undefined;
  const [to, from] = [elementsOf(width, target, byteCount), elementsOf(width, base, byteCount)];
  const most = Math.floor(to.length / SPARSE);
  const unused = 32 - 8 * width;
  let count = 0;
  let at = COUNT_BYTES;
  let last = -1;
  for (let index = 0; index < to.length; index += 1) {
    if (to[index] === from[index]) continue;
    if (count === most) return undefined;
    const step = (((to[index] as number) - (from[index] as number)) << unused) >> unused;
    steps[count] = (step << 1) ^ (step >> 31);
    count += 1;
    let gap = index - last - 1;
    for (; gap >= MORE; gap -= MORE) out[at++] = MORE;
    out[at++] = gap;
    last = index;
  }
  new DataView(out.buffer, out.byteOffset).setUint32(0, count, true);
  for (let plane = 0; plane < width; plane += 1)
    for (let index = 0; index < count; index += 1) out[at++] = (steps[index] as number) >>> (8 * plane);
  for (let rest = to.length * width; rest < byteCount; rest += 1)
    out[at++] = (target[rest] as number) ^ (base[rest] as number);
  return at;
}

/** Throws `bad_payload`. */
export function putBackSparse(
  width: number,
  byteCount: number,
  laid: Uint8Array,
  base: Uint8Array,
  out: Uint8Array,
): void {
  out.set(base.subarray(0, byteCount));
  const elements = elementsOf(width, out, byteCount);
  const restBytes = byteCount % width;
  const count = laid.length < COUNT_BYTES ? 0 : new DataView(laid.buffer, laid.byteOffset).getUint32(0, true);
  const planes = laid.length - restBytes - count * width;
  if (planes < COUNT_BYTES + count) throw badSparse(`${laid.length} bytes for ${count} changed elements`);
  let at = COUNT_BYTES;
  let index = -1;
  for (let done = 0; done < count; done += 1) {
    for (; laid[at] === MORE && at < planes; at += 1) index += MORE;
    index += (laid[at++] as number) + 1;
    if (at > planes || index >= elements.length) throw badSparse(`a change past element ${elements.length}`);
    change(elements, index, width, laid, planes + done, count);
  }
  if (at !== planes) throw badSparse(`${planes - at} bytes follow the last gap`);
  for (let rest = 0; rest < restBytes; rest += 1)
    out[byteCount - restBytes + rest] =
      (laid[laid.length - restBytes + rest] as number) ^ (base[byteCount - restBytes + rest] as number);
}

function change(elements: Elements, index: number, width: number, laid: Uint8Array, at: number, count: number): void {
  let step = 0;
  for (let plane = 0; plane < width; plane += 1) step |= (laid[at + plane * count] as number) << (8 * plane);
  elements[index] = (elements[index] as number) + ((step >>> 1) ^ -(step & 1));
}

function badSparse(fault: string): DeltaError {
  return new DeltaError('bad_payload', `Unpacking a payload: ${fault}`);
}
