/**
 * What the planner hears and orders: its whole interface with the world, in the words of docs/spec/10-transfer.md §4.
 * Times are milliseconds of a monotonic clock, passed beside the event.
 */
import type { TransferErrorCode } from '../errors.ts';
import type { TransferLimits } from '../limits.ts';
import type { PieceNews } from '../ports.ts';
import type { Span } from '../spans.ts';

export interface PlanStart {
  readonly pieceCount: number;
  readonly pieceBytes: number;
  readonly missing: readonly Span[];
  /** Pieces held but not yet known to be right; each is reported by `piece_checked`. */
  readonly checking?: number;
  readonly limits?: TransferLimits;
  readonly nowMs: number;
}

export interface SourceAdded {
  readonly on: 'source_added';
  readonly sourceId: string;
  /** The most lanes it may have; 1 where more can gain nothing. */
  readonly lanes: number;
  /** Bytes a second of one lane as measured before; 0 = unknown. */
  readonly expectedRate: number;
  /** What asking it costs (T8); 0 unless given. */
  readonly tier?: 0 | 1 | 2;
  /** It tells what it holds by `pieces_news`; without that it holds everything. */
  readonly follows?: boolean;
  /** Its silence does not mean everything. */
  readonly isPartial?: boolean;
  /** Others wait for it for `preferredHeadStartMs`. */
  readonly isPreferred?: boolean;
}

export interface LaneFailed {
  readonly on: 'lane_failed';
  readonly laneId: number;
  readonly code: TransferErrorCode;
  readonly retryAfterMs?: number;
}

export type PlanEvent =
  | SourceAdded
  /** The caller takes it back: its lanes are closed, it is not asked again. */
  | { readonly on: 'source_removed'; readonly sourceId: string }
  | {
      readonly on: 'source_failed';
      readonly sourceId: string;
      readonly code: TransferErrorCode;
      readonly retryAfterMs?: number;
    }
  | { readonly on: 'pieces_news'; readonly sourceId: string; readonly news: PieceNews }
  /** The lane's connection stands; its first read is under way. `depth`: reads that may be under way at once. */
  | { readonly on: 'lane_opened'; readonly laneId: number; readonly roundTripMs: number; readonly depth: number }
  /** The piece, which is the next of the lane's first run, is verified. */
  | { readonly on: 'piece_done'; readonly laneId: number; readonly index: number }
  /** The lane has received its first run; the next one asked ahead, if any, is the first now. */
  | { readonly on: 'run_done'; readonly laneId: number }
  /** The source has no room for the lane's first run now. The lane goes on with the next one asked ahead, if any. */
  | { readonly on: 'run_refused'; readonly laneId: number; readonly retryAfterMs: number }
  /** The lane is closed, at our wish, and nothing of it is under way any more: all of its runs come back. */
  | { readonly on: 'lane_closed'; readonly laneId: number }
  /** The same, by its own fault. */
  | LaneFailed
  | { readonly on: 'piece_checked'; readonly index: number; readonly ok: boolean }
  /** Bytes each lane has received since the last tick, and the lanes that our own gate held up meanwhile. */
  | {
      readonly on: 'tick';
      readonly received: ReadonlyMap<number, number>;
      readonly held?: ReadonlySet<number>;
    };

export type CloseReason = 'peer_stalled' | 'taken_over' | 'source_gone' | 'not_needed';

export interface ReadCommand {
  readonly do: 'read';
  readonly laneId: number;
  readonly sourceId: string;
  readonly first: number;
  readonly end: number;
}

export type PlanCommand =
  /** Ask the lane, opened if its id is new, for the pieces [first, end), behind what it was asked before. */
  | ReadCommand
  /**
   * The pieces from `end` on of the lane's last run are somebody else's now; `end` = its first: all of that run. Ask no more
   * of the lane: what was asked cannot be called back, so it ends (`lane_closed`) when all before has come.
   */
  | { readonly do: 'shorten'; readonly laneId: number; readonly end: number }
  /** Ends it now; answered by `lane_closed`, or by `lane_failed` with `peer_stalled` where that is the reason. */
  | { readonly do: 'close'; readonly laneId: number; readonly because: CloseReason }
  | { readonly do: 'complete' }
  | { readonly do: 'fail' };
