/**
 * Whether others fetch the same. Alone, pieces are asked for from the lowest in long runs; in a swarm, in an order that
 * spreads them, in requests of about a piece. Spec: docs/spec/10-transfer.md §4.2.
 */
import { shortenLane } from './plan-lanes.ts';
import { aheadBytes } from './plan-measures.ts';
import type { LanePlan, PlanState, SourcePlan } from './plan-state.ts';

/** True when the mode is another now. Back to alone only after a while without a reason: it costs connections to change. */
export function settleMode(plan: PlanState, nowMs: number): boolean {
  const isSwarm = hasReason(plan);
  if (isSwarm) plan.swarmAtMs = nowMs;
  const mode = isSwarm || nowMs - plan.swarmAtMs < plan.limits.swarmLingerMs ? 'swarm' : 'alone';
  if (mode === plan.mode) return false;
  plan.mode = mode;
  if (mode === 'swarm') for (const lane of plan.lanes.values()) cutShort(plan, lane);
  return true;
}

function hasReason(plan: PlanState): boolean {
  for (const source of plan.sources.values()) if (isShared(source)) return true;
  return false;
}

function isShared(source: SourcePlan): boolean {
  return source.status !== 'gone' && (source.view === 'some' || source.others > 0);
}

/** Leaves the lane the piece under way and what is asked ahead. */
function cutShort(plan: PlanState, lane: LanePlan): void {
  if (lane.closing || lane.isEnding) return;
  const keep = Math.max(1, Math.ceil(aheadBytes(plan, lane) / plan.pieces.bytes));
  for (let spare = lane.asked - keep; spare > 0; spare = lane.asked - keep) {
    const run = lane.runs.at(-1);
    if (run === undefined || run.end - run.next === 0) return;
    shortenLane(plan, lane, Math.max(run.next + (lane.runs.length === 1 ? 1 : 0), run.end - spare));
    if (lane.runs.at(-1) === run && run.end - run.next === 1) return;
  }
}
