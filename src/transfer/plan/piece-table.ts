/**
 * Where every piece is: with nobody, asked of one lane, held but not yet checked, or here. Typed arrays, changed in
 * place: a piece costs nine bytes whatever happens to it. Spec: docs/spec/10-transfer.md §4.1.
 */
import type { Span } from '../spans.ts';

export const MISSING = 0;
export const ASKED = 1;
/** Here, or claimed by the journal and being checked. */
export const HERE = 2;

export type Tier = 0 | 1 | 2;

export interface PieceTable {
  readonly count: number;
  readonly bytes: number;
  readonly places: Uint8Array;
  /** Partial sources that hold it, by tier; who holds everything is counted once for all pieces. */
  readonly holders: readonly [Uint16Array, Uint16Array, Uint16Array];
  /** How often it was taken over from a lane that was on it. */
  readonly takeOvers: Uint8Array;
  missing: number;
  /** Held and not yet known to be right. */
  checking: number;
  /** Not yet verified. */
  left: number;
  /** No piece below is missing. */
  lowest: number;
}

export function makePieceTable(count: number, bytes: number, missing: readonly Span[], checking: number): PieceTable {
  const places = new Uint8Array(count).fill(HERE);
  let missingCount = 0;
  for (const { first, end } of missing) {
    places.fill(MISSING, first, end);
    missingCount += end - first;
  }
  return {
    count,
    bytes,
    places,
    holders: [new Uint16Array(count), new Uint16Array(count), new Uint16Array(count)],
    takeOvers: new Uint8Array(count),
    missing: missingCount,
    checking,
    left: missingCount + checking,
    lowest: missing[0]?.first ?? count,
  };
}

export function askPieces(table: PieceTable, { first, end }: Span): void {
  table.places.fill(ASKED, first, end);
  table.missing -= end - first;
}

/** Asked of nobody again. */
export function returnPieces(table: PieceTable, { first, end }: Span): void {
  if (end <= first) return;
  table.places.fill(MISSING, first, end);
  table.missing += end - first;
  table.lowest = Math.min(table.lowest, first);
}

export function keepPiece(table: PieceTable, index: number): void {
  table.places[index] = HERE;
  table.left -= 1;
}

/** The lowest missing piece; the count of pieces when there is none. */
export function lowestMissing(table: PieceTable): number {
  while (table.lowest < table.count && table.places[table.lowest] !== MISSING) table.lowest += 1;
  return table.lowest;
}

/** Bits, most significant first; undefined stands for all of them. */
export function hasBit(bits: Uint8Array | undefined, index: number): boolean {
  return bits === undefined || ((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
}

export function setBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7));
}

export function clearBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] ?? 0) & ~(0x80 >> (index & 7));
}
