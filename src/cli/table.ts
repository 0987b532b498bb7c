/** Tables as lines of text. Pure. */
import { clip, displayWidth, padTo, printable } from './display-width.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be cut where the terminal is narrow. */
  readonly shrinks?: boolean;
}

const GAP = 2;
const NARROWEST = 8;

/** Header and rows, aligned. Without `width` nothing is cut; the header is the first line. */
export function layoutTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width?: number,
): string[] {
  const clean = rows.map((row) => row.map(printable));
  const wanted = columns.map(({ title }, index) =>
    Math.max(displayWidth(title), ...clean.map((row) => displayWidth(row[index] ?? ''))),
  );
  const cells = width === undefined ? wanted : fitWidths(columns, wanted, width);
  const titles = columns.map(({ title }) => title);
  return [titles, ...clean].map((row) => layoutRow(columns, row, cells));
}

/** `key  value` lines, keys aligned. */
export function layoutPairs(pairs: readonly (readonly [string, string])[]): string[] {
  const widest = Math.max(0, ...pairs.map(([key]) => displayWidth(key)));
  return pairs.map(([key, value]) => `${padTo(key, widest + GAP)}${printable(value)}`.trimEnd());
}

function layoutRow(columns: readonly Column[], row: readonly string[], cells: readonly number[]): string {
  return columns
    .map((column, index) => padTo(clip(row[index] ?? '', cells[index] ?? 0), cells[index] ?? 0, column.align))
    .join(' '.repeat(GAP))
    .trimEnd();
}

function fitWidths(columns: readonly Column[], wanted: readonly number[], width: number): number[] {
  const cells = [...wanted];
  let excess = cells.reduce((sum, cell) => sum + cell, GAP * (cells.length - 1)) - width;
  while (excess > 0) {
    const widest = widestShrinking(columns, cells);
    if (widest === undefined) break;
    cells[widest] = (cells[widest] ?? 0) - 1;
    excess -= 1;
  }
  return cells;
}

function widestShrinking(columns: readonly Column[], cells: readonly number[]): number | undefined {
  let found: number | undefined;
  for (const [index, { shrinks }] of columns.entries()) {
    const cell = cells[index] ?? 0;
    if (shrinks === true && cell > NARROWEST && cell > (found === undefined ? 0 : (cells[found] ?? 0))) found = index;
  }
  return found;
}
