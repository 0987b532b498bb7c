/** Progress as a line of text, and when a new one is worth printing. Pure. */
import { formatBytes } from '../core/index.ts';
import { clip, displayWidth, printable } from './display-width.ts';
import { formatClock, formatPercent, formatRate } from './format.ts';
import { listNames } from './from-whom.ts';
import { CLI_LIMITS } from './limits.ts';

export interface ProgressView {
  readonly label: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly rateMbps?: number | undefined;
  /** The limit that holds it back, as people write rates. */
  readonly heldTo?: string | undefined;
  readonly etaSeconds?: number | null | undefined;
  /** Names of the peers that bytes come from. */
  readonly from?: readonly string[] | undefined;
  /** Why nothing moves; in the place of the peers. */
  readonly note?: string | undefined;
}

const BAR_MIN = 10;
const BAR_MAX = 30;

/** `name  ━━━━━╌╌╌╌╌  45%  120 MB / 256 MB  84 MB/s  0:12 left  from a, b`, never wider than `columns`. */
export function renderBar(view: ProgressView, columns: number): string {
  const width = Math.max(20, columns - 1);
  const label = clip(printable(view.label), Math.max(8, Math.floor(width / 3)));
  const numbers = numbersOf(view);
  const room = width - displayWidth(label) - displayWidth(numbers) - 4;
  const bar = room < BAR_MIN ? '' : `${renderCells(shareOf(view), Math.min(BAR_MAX, room))}  `;
  return clip(`${label}  ${bar}${numbers}${fromOf(view)}`, width);
}

/** The same without a bar, for logs. */
export function renderPlain(view: ProgressView): string {
  return `${printable(view.label)}: ${numbersOf(view)}${fromOf(view)}`;
}

export interface PlainState {
  readonly percent: number;
  readonly atMs: number;
}

/** A line when 10 % more are done or 5 s have passed, at most one a second. */
export function isWorthALine(last: PlainState | undefined, now: PlainState): boolean {
  if (last === undefined) return true;
  const passedMs = now.atMs - last.atMs;
  if (passedMs < CLI_LIMITS.plainLineMinMs) return false;
  return passedMs >= CLI_LIMITS.plainLineMs || Math.floor(now.percent / 10) > Math.floor(last.percent / 10);
}

export function percentOf(view: ProgressView): number {
  return 100 * shareOf(view);
}

function shareOf({ doneBytes, totalBytes }: ProgressView): number {
  return totalBytes <= 0 ? 0 : Math.min(1, Math.max(0, doneBytes / totalBytes));
}

function numbersOf(view: ProgressView): string {
  if (view.totalBytes <= 0) return formatBytes(view.doneBytes);
  const parts = [
    formatPercent(percentOf(view)).padStart(4),
    `${formatBytes(view.doneBytes)} / ${formatBytes(view.totalBytes)}`,
  ];
  if (view.rateMbps !== undefined && view.rateMbps > 0) parts.push(formatHeldRate(view.rateMbps, view.heldTo));
  if (typeof view.etaSeconds === 'number') parts.push(`${formatClock(view.etaSeconds)} left`);
  return parts.join('  ');
}

function fromOf({ from = [], note }: ProgressView): string {
  if (note !== undefined) return `  ${note}`;
  return from.length === 0 ? '' : `  from ${listNames(from)}`;
}

/** `4.9 MB/s`, or `4.9 MB/s (held to 40Mbps)`. */
export function formatHeldRate(mbps: number, heldTo: string | undefined): string {
  return `${formatRate(mbps)}${heldTo === undefined ? '' : ` (held to ${heldTo})`}`;
}

function renderCells(share: number, cells: number): string {
  const full = Math.floor(share * cells);
  return '━'.repeat(full) + '╌'.repeat(cells - full);
}
