/** Transfers as a table and as progress. Pure. */
import type { Transfer } from '../api/index.ts';
import { formatBytes } from '../core/index.ts';
import { describeDifference, differenceBytes } from './difference-words.ts';
import { formatDuration, formatPercent } from './format.ts';
import { describeWaiting, giversOf, listNames } from './from-whom.ts';
import { formatHeldRate, type ProgressView } from './progress-line.ts';
import type { Column } from './table.ts';

const ACTIVE: readonly Transfer['state'][] = ['Pending', 'Downloading', 'Verifying', 'Paused'];

export const TRANSFER_COLUMNS: readonly Column[] = [
  { title: 'REQUEST' },
  { title: 'MODEL', shrinks: true },
  { title: 'VERSION', shrinks: true },
  { title: 'STATE' },
  { title: 'PRIORITY' },
  { title: 'DONE', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'RATE', align: 'right' },
  { title: 'TIME', align: 'right' },
  { title: 'FROM', shrinks: true },
];

export function isActive({ state }: Transfer): boolean {
  return ACTIVE.includes(state);
}

export function toTransferCells(transfer: Transfer): string[] {
  return [
    transfer.request_id.slice(0, 8),
    transfer.model_id,
    transfer.version,
    transfer.state,
    transfer.priority ?? 'normal',
    formatPercent(transfer.progress_percent),
    formatBytes(transfer.size_bytes),
    transfer.transfer_rate_mbps > 0 ? formatHeldRate(transfer.transfer_rate_mbps, transfer.held_to) : '-',
    formatDuration(transfer.duration_ms),
    transfer.error?.message ?? waitingOf(transfer) ?? (listNames(namesOf(transfer)) || '-'),
  ];
}

export function toTransferView(transfer: Transfer): ProgressView {
  return {
    label:
      transfer.state === 'Downloading' ? transfer.model_id : `${transfer.state.toLowerCase()} ${transfer.model_id}`,
    ...differenceBytes(transfer),
    rateMbps: transfer.transfer_rate_mbps,
    etaSeconds: transfer.eta_seconds,
    heldTo: transfer.held_to,
    from: namesOf(transfer),
    note: waitingOf(transfer) ?? describeDifference(transfer),
  };
}

function waitingOf(transfer: Transfer): string | undefined {
  const { waiting } = transfer;
  return waiting === undefined ? undefined : describeWaiting(waiting.left_s, transfer);
}

function namesOf(transfer: Transfer): string[] {
  return giversOf(transfer).map(({ name }) => name);
}
