/** The lanes of a plan: opened by their first request, given runs, relieved of them. Spec: docs/spec/10-transfer.md §4.3. */
import type { Span } from '../spans.ts';
import { askPieces, returnPieces } from './piece-table.ts';
import type { CloseReason } from './plan-events.ts';
import { type LanePlan, type PlanState, renewHope, type SourcePlan } from './plan-state.ts';

export function addLane(plan: PlanState, source: SourcePlan, nowMs: number): LanePlan {
  const lane: LanePlan = {
    id: plan.nextLaneId,
    source,
    runs: [],
    isOpen: false,
    depth: 1,
    roundTripMs: 0,
    closing: false,
    isEnding: false,
    pieceBytes: 0,
    asked: 0,
    rate: 0,
    busySinceMs: nowMs,
    lastBytesAtMs: nowMs,
    windowAtMs: nowMs,
    windowBytes: 0,
  };
  plan.nextLaneId += 1;
  plan.lanes.set(lane.id, lane);
  source.lanes.push(lane);
  return lane;
}

export function askLane(plan: PlanState, lane: LanePlan, span: Span, nowMs: number): void {
  if (lane.runs.length === 0)
    Object.assign(lane, { busySinceMs: nowMs, lastBytesAtMs: nowMs, windowAtMs: nowMs, windowBytes: 0, pieceBytes: 0 });
  lane.runs.push({ next: span.first, end: span.end });
  lane.asked += span.end - span.first;
  askPieces(plan.pieces, span);
  plan.commands.push({ do: 'read', laneId: lane.id, sourceId: lane.source.id, ...span });
}

/** The first run is over. */
export function endRun(plan: PlanState, lane: LanePlan): void {
  const run = lane.runs.shift();
  if (run === undefined) return;
  if (run.next < run.end) giveBack(plan, lane, { first: run.next, end: run.end });
  lane.pieceBytes = 0;
}

/** Takes the lane's pieces from `end` of its last run on: they are nobody's then. */
export function shortenLane(plan: PlanState, lane: LanePlan, end: number): void {
  const run = lane.runs.at(-1);
  if (run === undefined || end >= run.end) return;
  const span = { first: end, end: run.end };
  if (end === run.next) lane.runs.pop();
  run.end = end;
  lane.isEnding = lane.isOpen;
  giveBack(plan, lane, span);
  plan.commands.push({ do: 'shorten', laneId: lane.id, end });
}

export function closeLane(plan: PlanState, lane: LanePlan, because: CloseReason): void {
  if (lane.closing) return;
  lane.closing = true;
  plan.commands.push({ do: 'close', laneId: lane.id, because });
}

/** Nothing of it is under way any more. */
export function removeLane(plan: PlanState, lane: LanePlan): void {
  for (const { next, end } of lane.runs.splice(0)) giveBack(plan, lane, { first: next, end });
  plan.lanes.delete(lane.id);
  lane.source.lanes.splice(lane.source.lanes.indexOf(lane), 1);
}

function giveBack(plan: PlanState, lane: LanePlan, span: Span): void {
  lane.asked -= span.end - span.first;
  returnPieces(plan.pieces, span);
  renewHope(plan);
}
