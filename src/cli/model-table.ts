/** Rows of models as a table. Pure. */
import type { ModelRow } from '../api/index.ts';
import { formatBytes } from '../core/index.ts';
import type { Column } from './table.ts';

export const MODEL_COLUMNS: readonly Column[] = [
  { title: 'MODEL', shrinks: true },
  { title: 'VERSION', shrinks: true },
  { title: 'TYPE' },
  { title: 'FORMAT' },
  { title: 'QUANT' },
  { title: 'SIZE', align: 'right' },
  { title: 'STATE' },
  { title: 'ON', shrinks: true },
];

export function toModelCells(row: ModelRow): string[] {
  return [
    row.model_id,
    row.version,
    row.type,
    row.format,
    row.quantization ?? '-',
    formatBytes(row.size_bytes),
    describeState(row),
    row.nodes.length === 0 ? '-' : row.nodes.join(', '),
  ];
}

function describeState({ state, unsafe, public: open }: ModelRow): string {
  return [state, ...(unsafe ? ['unsafe'] : []), ...(open ? ['public'] : [])].join(', ');
}
