/** The table at the end of the demo. */
import { formatBytes, MB } from '../src/core/index.ts';

export interface Row {
  readonly node: string;
  readonly model: string;
  readonly sha256: string;
  /** That came over the network in this pull. */
  readonly bytes: number;
  readonly seconds: number;
  readonly from: string;
  readonly note: string;
}

const HEAD = ['node', 'model', 'bytes', 'seconds', 'MB/s', 'verified', 'from', ''];

export function renderTable(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(toCells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  const [head = '', ...body] = lines.map((cells) =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '),
  );
  return ['', head, rule, ...body, ''].join('\n');
}

function toCells(row: Row): string[] {
  const rate = row.seconds > 0 ? (row.bytes / MB / row.seconds).toFixed(0) : '–';
  return [
    row.node,
    row.model,
    formatBytes(row.bytes),
    row.seconds.toFixed(2),
    rate,
    `sha256:${row.sha256.slice(0, 12)}`,
    row.from,
    row.note,
  ];
}
