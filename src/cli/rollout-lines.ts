/** A rollout as lines: what it does, a line a wave with its counts, and how it ended. Pure. */
import type { RolloutRow } from '../api/index.ts';
import { printable } from './display-width.ts';
import { formatDuration } from './format.ts';
import type { Column } from './table.ts';

type Wave = RolloutRow['waves'][number];
type Summary = Omit<RolloutRow, 'nodes'>;

const PHASES: Readonly<Record<RolloutRow['phase'], string>> = {
  running: 'running',
  paused: 'paused',
  rolling_back: 'rolling back',
  rolled_back: 'rolled back',
  aborted: 'stopped, and left as it is',
  done: 'done',
};

const CELLS = 24;

export function shortId({ rollout_id }: { readonly rollout_id: string }): string {
  return rollout_id.slice(0, 8);
}

/** The head and a line for each wave. */
export function rolloutLines(row: Summary): string[] {
  return [headLine(row), ...row.waves.map((wave, index) => waveLine(wave, index, row))];
}

export function headLine(row: Summary): string {
  const { phase, why, held_by, coordinator_name } = row;
  const reason = held_by ?? why;
  const from = row.previous_version === null ? '' : ` (from ${row.previous_version})`;
  const what = `rollout ${shortId(row)}  ${row.model_id}@${row.version}${from}  ${PHASES[phase]}`;
  const who = row.over ? '' : `, coordinated by ${coordinator_name}`;
  return printable(`${what}${who}${reason === null ? '' : `: ${reason}`}`);
}

/** `wave 2  10%   ━━━━━━──╌╌╌╌  7 of 9 well, 1 failed  soaking, 4 min 2 s left`. */
export function waveLine(wave: Wave, index: number, row: Summary): string {
  const head = `  wave ${String(index + 1).padEnd(2)} ${wave.size.padStart(4)}  ${barOf(wave)}`;
  if (wave.state === 'to come') return `${head}  ${row.over ? 'not begun' : 'to come'}`;
  if (wave.nodes === 0) return `${head}  nobody more`;
  const counts = [
    isReturning(row) ? `${wave.back} of ${wave.nodes} back` : `${wave.well} of ${wave.nodes} well`,
    ...told(wave.failed, 'failed'),
    ...told(wave.silent, 'silent'),
    ...told(wave.waiting, 'waited for'),
    ...told(wave.stuck, 'COULD NOT GO BACK'),
  ].join(', ');
  return `${head}  ${counts}${wave.state === 'soaking' ? soaking(row) : ''}`;
}

function isReturning({ phase }: Summary): boolean {
  return phase === 'rolling_back' || phase === 'rolled_back';
}

function told(count: number, word: string): string[] {
  return count === 0 ? [] : [`${count} ${word}`];
}

function soaking({ soak_left_ms: leftMs }: Summary): string {
  return leftMs === null ? '' : `  soaking, ${formatDuration(leftMs)} left`;
}

/** Well or back, then failed or silent or stuck, then what is waited for. */
function barOf({ nodes, well, back, failed, silent, stuck }: Wave): string {
  if (nodes === 0) return '╌'.repeat(CELLS);
  const good = Math.floor(((well + back) / nodes) * CELLS);
  const bad = Math.min(CELLS - good, Math.ceil(((failed + silent + stuck) / nodes) * CELLS));
  return '━'.repeat(good) + '×'.repeat(bad) + '╌'.repeat(CELLS - good - bad);
}

export const ROLLOUT_COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'MODEL', shrinks: true },
  { title: 'VERSION' },
  { title: 'STATE' },
  { title: 'WAVE', align: 'right' },
  { title: 'NODES', align: 'right' },
  { title: 'FAILED', align: 'right' },
  { title: 'COORDINATOR', shrinks: true },
];

export function toRolloutCells(row: Summary): string[] {
  const began = row.waves.filter(({ state }) => state !== 'to come').length;
  return [
    shortId(row),
    row.model_id,
    row.version,
    PHASES[row.phase],
    `${began}/${row.waves.length}`,
    `${row.given}/${row.fleet}`,
    String(row.failures),
    row.coordinator_name,
  ];
}

export const NODE_COLUMNS: readonly Column[] = [
  { title: 'NODE', shrinks: true },
  { title: 'WAVE', align: 'right' },
  { title: 'STATE' },
  { title: 'ERROR', shrinks: true },
];

export function toNodeCells({ name, wave, state, failed, error }: RolloutRow['nodes'][number]): string[] {
  return [name, String(wave), failed && state !== 'failed' ? `failed, ${state}` : state, error ?? ''];
}
