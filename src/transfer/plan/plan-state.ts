/**
 * What the planner knows. It belongs to `planTransfer`, which changes it in place and hands it back: whoever passes a
 * state must not use it again (docs/adr/0010). Every missing piece is in exactly one place: with nobody, in one lane's
 * run, or being checked. Spec: docs/spec/10-transfer.md §4.
 */
import type { TransferLimits } from '../limits.ts';
import type { PieceTable, Tier } from './piece-table.ts';
import type { PlanCommand } from './plan-events.ts';

/** Pieces [next, end) of one request are still to come. */
export interface Run {
  next: number;
  end: number;
}

export interface SourcePlan {
  readonly id: string;
  maxLanes: number;
  readonly tier: Tier;
  readonly follows: boolean;
  readonly isPartial: boolean;
  readonly isPreferred: boolean;
  /** `gone`: never asked again in this download. */
  status: 'ready' | 'waiting' | 'gone';
  retryAtMs: number;
  /** It has no room for more requests until then. That is no failure. */
  busyUntilMs: number;
  /** It has given nothing but refusals for want of room since then. */
  refusedSinceMs: number | undefined;
  /** Without a good piece between them. */
  failuresInRow: number;
  /** How often it did not hold what it was asked for, likewise. */
  lacksInRow: number;
  /** Bytes a second of one lane, smoothed; 0 = unknown. */
  rate: number;
  readonly addedAtMs: number;
  /** What it holds: not known yet, every piece, or those of `holds`. */
  view: 'unknown' | 'all' | 'some';
  hasNews: boolean;
  holds: Uint8Array | undefined;
  heldCount: number;
  /** What it has begun to send to anybody. Absent: nothing. */
  sent: Uint8Array | undefined;
  /** Since when it has had nothing for us but what it sent to others before. */
  onlySentSinceMs: number | undefined;
  /** How many others fetch this blob from it. */
  others: number;
  /** It has told that number, and so which way of choosing is right. */
  hasCompany: boolean;
  /** When it first told what it holds. */
  heardAtMs: number | undefined;
  readonly lanes: LanePlan[];
  /** Was searched in vain; nothing has come up since. */
  hasNothing: boolean;
}

export interface LanePlan {
  readonly id: number;
  readonly source: SourcePlan;
  /** In the order asked; the first is being received. Empty: idle. */
  readonly runs: Run[];
  isOpen: boolean;
  depth: number;
  roundTripMs: number;
  /** We asked for its end; its pieces come back when it is confirmed. */
  closing: boolean;
  /** It was shortened: it ends by itself and is asked for nothing more. */
  isEnding: boolean;
  /** Bytes of the piece under way that have come, as far as ticks tell. */
  pieceBytes: number;
  /** Pieces asked and not received, of all runs. */
  asked: number;
  rate: number;
  busySinceMs: number;
  lastBytesAtMs: number;
  windowAtMs: number;
  windowBytes: number;
}

/** The search for the number of lanes that pays off. */
export interface Climb {
  /** Lanes a source may have now. */
  goal: number;
  isTrial: boolean;
  /** What is measured counts from here. */
  fromMs: number;
  bytes: number;
  /** Before the trial. */
  baseRate: number;
  restUntilMs: number;
}

export interface PlanState {
  readonly limits: TransferLimits;
  readonly pieces: PieceTable;
  readonly sources: Map<string, SourcePlan>;
  readonly lanes: Map<number, LanePlan>;
  /** Whom a piece was taken over from. */
  readonly takenFrom: Map<number, Set<string>>;
  readonly climb: Climb;
  /** Since when the tiers up to this one give too little; undefined while they give enough. */
  readonly slowSinceMs: [number | undefined, number | undefined];
  /** Sources up to this tier may be asked for whatever they hold. */
  openTier: Tier;
  mode: 'alone' | 'swarm';
  /** When there was a reason for swarm mode last. */
  swarmAtMs: number;
  nextLaneId: number;
  readonly startedAtMs: number;
  lastTickMs: number;
  /** When a piece was verified last. */
  lastGoodMs: number | undefined;
  lastNewsMs: number;
  /** Since when no piece was verified, without the time this machine slept. */
  barrenFromMs: number;
  /** Bytes a second of all lanes, as of the last tick. */
  totalRate: number;
  /** The step being planned is news of pieces: they make no other lane too slow. */
  isHearing: boolean;
  ended: 'completed' | 'failed' | undefined;
  /** Of the step being planned. */
  commands: PlanCommand[];
}

/** Somebody may find work now who did not before. */
export function renewHope(plan: PlanState): void {
  for (const source of plan.sources.values()) source.hasNothing = false;
}
