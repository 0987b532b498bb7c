/**
 * Gives lanes work: a new one when a source may have more, more ahead of time to one that would run dry, and at the end
 * what others are too slow with. Spec: docs/spec/10-transfer.md §4.3, §4.4.
 */
import type { Random } from '../../core/index.ts';
import type { Span } from '../spans.ts';
import { helpOut } from './endgame.ts';
import { pickSpan } from './pick.ts';
import { addLane, askLane, closeLane } from './plan-lanes.ts';
import { aheadBytes, bytesToCome, laneGoal, pieceMs, WORTHWHILE_MS } from './plan-measures.ts';
import type { LanePlan, PlanState, SourcePlan } from './plan-state.ts';
import { isKnown } from './source-view.ts';

/** A lane that cannot ask ahead pays a round trip for each request: it gets this many round trips' worth at a time. */
const UNPIPELINED_ROUND_TRIPS = 6;

/** Whose lanes may have become free by what happened. */
export type Wake = SourcePlan | 'all' | undefined;

export function assignWork(plan: PlanState, wake: Wake, nowMs: number, random: Random): void {
  if (wake === undefined || plan.ended !== undefined) return;
  if (wake !== 'all') feedSource(plan, wake, nowMs, random);
  else for (const source of inOrder(plan, nowMs, random)) feedSource(plan, source, nowMs, random);
}

/** Fastest first; equals in random order. */
function inOrder(plan: PlanState, nowMs: number, random: Random): SourcePlan[] {
  const known: { readonly source: SourcePlan; readonly tie: number }[] = [];
  for (const source of plan.sources.values())
    if (source.status !== 'gone' && isKnown(plan, source, nowMs)) known.push({ source, tie: random.next() });
  known.sort((a, b) => a.source.tier - b.source.tier || b.source.rate - a.source.rate || a.tie - b.tie);
  return known.map(({ source }) => source);
}

function feedSource(plan: PlanState, source: SourcePlan, nowMs: number, random: Random): void {
  if (source.status === 'gone' || !isKnown(plan, source, nowMs) || waitsForPreferred(plan, source, nowMs)) return;
  const isBusy = nowMs < source.busyUntilMs;
  const goal = laneGoal(plan, source);
  // A copy is not needed: feeding a lane adds none and removes none.
  source.lanes.forEach((lane, place) => {
    if (isBusy && lane.runs.length === 0) return;
    if (place < goal) feedLane(plan, lane, nowMs, random);
    else if (lane.runs.length === 0) closeLane(plan, lane, 'not_needed');
  });
  // One that failed just now keeps the lanes that work, and is not asked for another.
  while (source.status === 'ready' && !isBusy && source.lanes.length < goal) {
    const span = nextSpan(plan, source, nowMs, random);
    if (span === undefined) return;
    askLane(plan, addLane(plan, source, nowMs), span, nowMs);
  }
}

/** Whom the user prefers is asked first, as long as the download is new and that source has not failed. */
function waitsForPreferred(plan: PlanState, source: SourcePlan, nowMs: number): boolean {
  if (source.isPreferred || nowMs >= plan.startedAtMs + plan.limits.preferredHeadStartMs) return false;
  for (const other of plan.sources.values()) if (other.isPreferred && other.status === 'ready') return true;
  return false;
}

function feedLane(plan: PlanState, lane: LanePlan, nowMs: number, random: Random): void {
  while (wantsMore(plan, lane)) {
    const { source } = lane;
    const isIdle = lane.runs.length === 0;
    const span = isIdle
      ? nextSpan(plan, source, nowMs, random)
      : wouldEndLate(plan, source)
        ? undefined
        : pickSpan(plan, source, runPieces(plan, source, lane), nowMs, random);
    if (span === undefined) return;
    askLane(plan, lane, span, nowMs);
  }
}

/** Idle, or going to run dry before the answer to another request would begin. */
function wantsMore(plan: PlanState, lane: LanePlan): boolean {
  if (lane.closing || lane.isEnding) return false;
  if (lane.runs.length === 0) return true;
  return lane.isOpen && lane.runs.length < lane.depth && bytesToCome(plan, lane) < aheadBytes(plan, lane);
}

function nextSpan(plan: PlanState, source: SourcePlan, nowMs: number, random: Random): Span | undefined {
  if (wouldEndLate(plan, source)) return undefined;
  const count = Math.min(runPieces(plan, source, source.lanes[0]), fairShare(plan, source));
  const span = pickSpan(plan, source, count, nowMs, random);
  if (span !== undefined) return span;
  return helpOut(plan, source, nowMs) ? pickSpan(plan, source, count, nowMs, random) : undefined;
}

function runPieces(plan: PlanState, source: SourcePlan, lane: LanePlan | undefined): number {
  return Math.max(1, Math.floor(runBytes(plan, source, lane) / plan.pieces.bytes));
}

function runBytes(plan: PlanState, source: SourcePlan, lane: LanePlan | undefined): number {
  const { minRunBytes, maxRunBytes, runMs } = plan.limits;
  if (plan.mode === 'swarm') return lane === undefined ? 0 : swarmRunBytes(plan, lane);
  // Beside others a source shows with one piece what it is worth.
  const least = isOnly(plan, source) ? minRunBytes : 0;
  return Math.min(Math.max((source.rate * runMs) / 1000, least), maxRunBytes);
}

/** One piece, unless so few requests may be under way that single pieces would not fill the path. */
function swarmRunBytes(plan: PlanState, lane: LanePlan): number {
  if (!lane.isOpen) return 0;
  if (lane.depth === 1) return ((lane.rate * lane.roundTripMs) / 1000) * UNPIPELINED_ROUND_TRIPS;
  return aheadBytes(plan, lane) / (lane.depth - 1);
}

/** An even part of what is missing, so that all end together. */
function fairShare(plan: PlanState, source: SourcePlan): number {
  let slots = 0;
  for (const each of plan.sources.values())
    if (each.status === 'ready' && each.tier <= Math.max(plan.openTier, source.tier)) slots += laneGoal(plan, each);
  return Math.max(1, Math.ceil(plan.pieces.missing / Math.max(slots, 1)));
}

function isOnly(plan: PlanState, source: SourcePlan): boolean {
  for (const other of plan.sources.values()) if (other !== source && other.status === 'ready') return false;
  return true;
}

/** The others would be done with everything before this one has a single piece more. Only where they hold everything. */
function wouldEndLate(plan: PlanState, source: SourcePlan): boolean {
  const { pieces } = plan;
  if (!hasCompleteOther(plan, source)) return false;
  let ownRate = 0;
  let ownPieces = 1;
  for (const lane of source.lanes) {
    ownRate += lane.rate;
    ownPieces += lane.asked;
  }
  const othersRate = plan.totalRate - ownRate;
  if (othersRate <= 0) return false;
  const restMs = (Math.max(pieces.left - ownPieces + 1, 0) * pieces.bytes * 1000) / othersRate;
  const lanes = Math.max(1, source.lanes.length);
  const ownMs = (ownPieces * pieceMs(plan, source)) / lanes;
  return ownMs > restMs + WORTHWHILE_MS;
}

function hasCompleteOther(plan: PlanState, source: SourcePlan): boolean {
  for (const other of plan.sources.values())
    if (other !== source && other.status === 'ready' && other.view === 'all' && other.lanes.length > 0) return true;
  return false;
}
