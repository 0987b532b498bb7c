/** What is told of a transfer: one moment of it. */
import { AtmosphereError, messageOf, type NodeId, type RequestId } from '../../core/index.ts';
import type { ModelEntry } from '../../protocol/index.ts';
import type { TransferWish } from '../../transfer/index.ts';
import type { DifferenceShare, TransferRow } from './ports.ts';
import type { MirrorShare } from './pull-progress.ts';

export type TransferState = TransferRow['state'];

export function isEnded(state: TransferState): boolean {
  return state === 'Completed' || state === 'Failed' || state === 'Cancelled';
}

export interface TransferFailure {
  readonly code: string;
  readonly message: string;
  readonly kind: string;
}

/** Nobody who has the model can be reached now. */
export interface Waiting {
  /** Until it gives up. */
  readonly leftMs: number;
}

/** A view of one moment. */
export interface TransferSnapshot {
  readonly requestId: RequestId;
  readonly entry: ModelEntry;
  readonly state: TransferState;
  readonly waiting: Waiting | undefined;
  readonly wish: TransferWish;
  readonly bytesDownloaded: number;
  readonly totalBytes: number;
  readonly rateBytesPerSecond: number;
  readonly etaSeconds: number | null;
  readonly peers: readonly {
    readonly nodeId: NodeId;
    readonly bytes: number;
    readonly failures: number;
    readonly dropped: string | undefined;
  }[];
  readonly mirrors: readonly MirrorShare[];
  /** What comes, or came, as differences. */
  readonly difference?: DifferenceShare | undefined;
  readonly path: string | undefined;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly error: TransferFailure | undefined;
  /** Nothing had to move. */
  readonly alreadyHere: boolean;
}

/** With why mirrors gave nothing, which may be the whole reason that nobody was left. */
export function toFailure(thrown: unknown, mirrors: readonly MirrorShare[]): TransferFailure {
  const { code, kind } = thrown instanceof AtmosphereError ? thrown : { code: 'internal', kind: 'internal' };
  const failed = kind === 'cancelled' ? [] : mirrors.filter(({ bytes, reason }) => bytes === 0 && reason !== undefined);
  const reasons = failed.map(({ name, reason }) => `; ${name}: ${reason}`);
  return { code, message: `${messageOf(thrown)}${reasons.join('')}`, kind };
}
