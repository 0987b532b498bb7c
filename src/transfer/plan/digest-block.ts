/**
 * Alone, the whole digest stays close behind the lowest piece that is not here. Where one lane is so slow with that piece
 * that all the others would be done with everything before it, the digest would have nearly all of the blob left to do at
 * the end: the piece is taken over at once. Spec: docs/spec/10-transfer.md §4.5.
 */
import { mayTakeOver, takePiece } from './endgame.ts';
import { lowestMissing } from './piece-table.ts';
import { pieceMs, WORTHWHILE_MS } from './plan-measures.ts';
import type { LanePlan, PlanState, SourcePlan } from './plan-state.ts';

/** One lane at a time; its pieces come back as missing, the lowest of all. */
export function freeDigest(plan: PlanState, nowMs: number): void {
  if (plan.mode !== 'alone' || plan.pieces.missing === 0) return;
  const blocker = lowestLane(plan);
  if (blocker === undefined || !isMeasured(plan, blocker, nowMs)) return;
  const restMs = ((plan.pieces.bytes - blocker.pieceBytes) * 1000) / blocker.rate;
  const { others, best } = othersOf(plan, blocker);
  if (best === undefined || !mayTakeOver(plan, blocker, best)) return;
  const othersMs = (plan.pieces.left * plan.pieces.bytes * 1000) / others;
  const isFarSlower = restMs > pieceMs(plan, best) * plan.limits.takeOverFactor;
  if (isFarSlower && restMs > othersMs + WORTHWHILE_MS) takePiece(plan, blocker);
}

/** Whose piece the digest waits for, or will; undefined where that is with nobody, or a lane ends just now. */
function lowestLane(plan: PlanState): LanePlan | undefined {
  let found: LanePlan | undefined;
  let lowest = lowestMissing(plan.pieces);
  for (const lane of plan.lanes.values()) {
    if (lane.closing) return undefined;
    const index = lane.runs[0]?.next;
    if (index === undefined || index >= lowest) continue;
    lowest = index;
    found = lane;
  }
  return found;
}

/** A connection begins slowly: its first second says little. */
function isMeasured(plan: PlanState, lane: LanePlan, nowMs: number): boolean {
  return lane.rate > 0 && nowMs - lane.busySinceMs >= plan.limits.climbMs;
}

/** The rate of the other sources together, and the one that would be asked for the piece. */
function othersOf(plan: PlanState, blocker: LanePlan): { others: number; best: SourcePlan | undefined } {
  let others = 0;
  let best: SourcePlan | undefined;
  for (const { source, rate, runs } of plan.lanes.values()) {
    if (source === blocker.source || runs.length === 0) continue;
    others += rate;
    if (source.status === 'ready' && source.tier <= plan.openTier && source.rate > (best?.rate ?? 0)) best = source;
  }
  return { others, best };
}
