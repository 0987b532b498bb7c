/** What the planner expects of sources and lanes, from what was measured. Spec: docs/spec/10-transfer.md §4.3. */
import { KiB } from '../../core/index.ts';
import type { LanePlan, PlanState, SourcePlan } from './plan-state.ts';

/** Bytes a second expected of a source that nobody has measured, beside others that work. */
const UNKNOWN_RATE = 256 * KiB;
/** Below this, moving work costs more than it saves. */
export const WORTHWHILE_MS = 100;

export function laneGoal(plan: PlanState, source: SourcePlan): number {
  return Math.min(source.maxLanes, plan.climb.goal);
}

/** How long one lane of the source takes for a piece. */
export function pieceMs(plan: PlanState, source: SourcePlan): number {
  return (plan.pieces.bytes * 1000) / (source.rate || UNKNOWN_RATE);
}

export function bytesToCome(plan: PlanState, lane: LanePlan): number {
  return lane.asked * plan.pieces.bytes - lane.pieceBytes;
}

/**
 * A lane with less than this to come is asked for more: bandwidth × delay with room to grow, and what comes until it is
 * looked at again, at a tick or when a piece ends.
 */
export function aheadBytes(plan: PlanState, lane: LanePlan): number {
  const { aheadFactor, tickMs } = plan.limits;
  const delayed = ((lane.rate * lane.roundTripMs) / 1000) * aheadFactor;
  return delayed + Math.min((lane.rate * tickMs) / 1000, 2 * plan.pieces.bytes);
}
