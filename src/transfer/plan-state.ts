/**
 * What the planner knows, hears and orders. The state is plain data and replaced whole; times are monotonic.
 * Every missing piece is in exactly one place: `missing`, one lane's run, or being checked. Spec: 10-transfer.md §4.
 */
import type { TransferErrorCode } from './errors.ts';
import type { TransferLimits } from './limits.ts';
import type { Span } from './spans.ts';

export interface SourcePlan {
  readonly id: string;
  readonly maxLanes: number;
  /** `gone`: never asked again in this download. */
  status: 'ready' | 'waiting' | 'gone';
  retryAtMs: number;
  failuresInRow: number;
  /** Bytes a second of one lane, smoothed; 0 = unknown. */
  rate: number;
}

export interface LanePlan {
  readonly id: number;
  readonly sourceId: string;
  /** Pieces [next, end) are still to come, `next` is being received. Absent: idle. */
  run: { next: number; end: number } | undefined;
  /** We asked for its end; its pieces come back when it is confirmed. */
  closing: boolean;
  /** Bytes of piece `next` that have come, as far as ticks tell. */
  pieceBytes: number;
  rate: number;
  busySinceMs: number;
  lastBytesAtMs: number;
  windowAtMs: number;
  windowBytes: number;
}

export interface PlanState {
  readonly pieceCount: number;
  readonly pieceBytes: number;
  readonly limits: TransferLimits;
  /** Needed and asked of nobody. */
  missing: readonly Span[];
  /** Held from an earlier run and not yet known to be right. */
  checking: number;
  /** Pieces not yet verified. */
  left: number;
  nextLaneId: number;
  lastTickMs: number;
  readonly sources: ReadonlyMap<string, SourcePlan>;
  readonly lanes: ReadonlyMap<number, LanePlan>;
  ended: 'completed' | 'failed' | undefined;
}

export type PlanEvent =
  | { readonly on: 'source_added'; readonly sourceId: string; readonly lanes: number; readonly expectedRate: number }
  | { readonly on: 'source_failed'; readonly sourceId: string; readonly code: TransferErrorCode }
  /** The lane's next piece is verified. */
  | { readonly on: 'piece_done'; readonly laneId: number }
  /** The lane has received its run and waits for another. */
  | { readonly on: 'run_done'; readonly laneId: number }
  /** The lane is closed, at our wish, and nothing of it is under way any more. */
  | { readonly on: 'lane_closed'; readonly laneId: number }
  /** The same, by its own fault. */
  | {
      readonly on: 'lane_failed';
      readonly laneId: number;
      readonly code: TransferErrorCode;
      readonly retryAfterMs?: number;
    }
  | { readonly on: 'piece_checked'; readonly index: number; readonly ok: boolean }
  /** Bytes each lane has received since the last tick. */
  | { readonly on: 'tick'; readonly received: ReadonlyMap<number, number> };

export type PlanCommand =
  /** Ask the lane, opened if it is new, for the pieces [first, end). */
  | {
      readonly do: 'read';
      readonly laneId: number;
      readonly sourceId: string;
      readonly first: number;
      readonly end: number;
    }
  /** Let the lane end before piece `end`, which is somebody else's now. */
  | { readonly do: 'shorten'; readonly laneId: number; readonly end: number }
  | { readonly do: 'close'; readonly laneId: number; readonly because: 'peer_stalled' | 'taken_over' | 'source_gone' }
  | { readonly do: 'complete' }
  | { readonly do: 'fail' };

/** A state being changed by one event; the maps are its own. */
export type PlanDraft = Omit<PlanState, 'sources' | 'lanes'> & {
  sources: Map<string, SourcePlan>;
  lanes: Map<number, LanePlan>;
  commands: PlanCommand[];
};

export function toDraft(state: PlanState): PlanDraft {
  const copyLane = (lane: LanePlan): LanePlan => ({ ...lane, run: lane.run && { ...lane.run } });
  return {
    ...state,
    sources: new Map([...state.sources].map(([id, source]) => [id, { ...source }])),
    lanes: new Map([...state.lanes].map(([id, lane]) => [id, copyLane(lane)])),
    commands: [],
  };
}
