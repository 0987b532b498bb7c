/** What a tensor's bytes are, as far as it matters for differences, and the ways to be tried for them. Pure. Spec: docs/spec/22-differences.md §5.3. */
import type { Layout } from './block-layout.ts';

export interface ElementType {
  /** Bytes of an element, or of one block of a quantized type. */
  readonly width: number;
  /** `float`: its exponent, from this bit on, says how much its bits change. */
  readonly groupShift?: number;
  /** Several numbers of different kinds in one width. */
  readonly isRecord?: boolean;
}

export const ONE_BYTE: ElementType = { width: 1 };
const PAIR: ElementType = { width: 2 };
const QUAD: ElementType = { width: 4 };
const OCTET: ElementType = { width: 8 };

/** Of safetensors and of ggml types that are no blocks; others by their width. */
const BY_NAME: ReadonlyMap<string, ElementType> = new Map([
  ['BF16', { width: 2, groupShift: 7 }],
  ['F16', { width: 2, groupShift: 8 }],
  ['F32', { width: 4, groupShift: 23 }],
  ...['I16', 'U16'].map((name) => [name, PAIR] as const),
  ...['I32', 'U32'].map((name) => [name, QUAD] as const),
  ...['I64', 'U64', 'F64', 'C64'].map((name) => [name, OCTET] as const),
]);

export function elementTypeOf(name: string, recordBytes = 1): ElementType {
  const known = BY_NAME.get(name);
  if (known !== undefined) return known;
  return recordBytes > 1 && recordBytes < 256 ? { width: recordBytes, isRecord: true } : ONE_BYTE;
}

/** Nothing is known of the bytes. */
export const ANY_BYTES: ElementType = { width: 0 };

const way = (kind: Layout['kind'], width: number, argument = 0): Layout => ({ kind, width, argument });

const ANY_WAYS: readonly Layout[] = [
  way('planes', 1),
  way('sparse', 1),
  way('xor', 1),
  way('xor', 2),
  way('xor', 4),
  way('grouped', 2, 7),
  way('grouped', 4, 23),
  way('planes', 2, 1),
  way('planes', 4, 1),
];

/** Cheaper ones first: a later one must be clearly smaller to be taken. */
export function waysOf({ width, groupShift, isRecord }: ElementType): readonly Layout[] {
  if (width === 0) return ANY_WAYS;
  if (isRecord === true || width === 8)
    return [way('sparse', 1), way('xor', width), way('planes', width), way('xor', 1), way('planes', 1), way('step', 1)];
  const ways = [way('sparse', width), way('step', width), way('xor', width), way('planes', width, width === 1 ? 0 : 1)];
  return groupShift === undefined ? ways : [...ways, way('grouped', width, groupShift)];
}
