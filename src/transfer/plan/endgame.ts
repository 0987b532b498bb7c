/**
 * What a source does for which nothing is missing: it takes the tail of the lane that would end last, or the piece of one
 * that is hopeless, each piece at most twice. Spec: docs/spec/10-transfer.md §4.5.
 */
import { hasBit } from './piece-table.ts';
import { closeLane, shortenLane } from './plan-lanes.ts';
import { bytesToCome, pieceMs, WORTHWHILE_MS } from './plan-measures.ts';
import type { LanePlan, PlanState, SourcePlan } from './plan-state.ts';

/** Another lane to the same peer shares its way: it has to gain more. */
const WORTHWHILE_WITHIN_MS = 2_000;

/** True when there are pieces to take now. */
export function helpOut(plan: PlanState, thief: SourcePlan, nowMs: number): boolean {
  if (plan.isHearing || thief.status !== 'ready' || thief.tier > plan.openTier) return false;
  if (plan.pieces.missing === 0 && takeTail(plan, thief)) return true;
  takeOver(plan, thief, nowMs);
  return false;
}

function takeTail(plan: PlanState, thief: SourcePlan): boolean {
  const victim = slowest(plan, (lane) => {
    const worthMs = lane.source === thief ? WORTHWHILE_WITHIN_MS : WORTHWHILE_MS;
    return tailPieces(lane, thief) > 0 && remainingMs(plan, lane) > worthMs + pieceMs(plan, thief);
  });
  const run = victim?.runs.at(-1);
  if (victim === undefined || run === undefined) return false;
  const share = thief.rate === 0 && victim.rate === 0 ? 0.5 : thief.rate / (thief.rate + victim.rate);
  shortenLane(plan, victim, run.end - Math.max(1, Math.floor(tailPieces(victim, thief) * share)));
  return true;
}

/** How many pieces from the end of the lane's last run on the thief could have; never the piece under way. */
function tailPieces(lane: LanePlan, thief: SourcePlan): number {
  const run = lane.runs.at(-1);
  if (run === undefined) return 0;
  const least = lane.runs.length === 1 ? run.next + 1 : run.next;
  let first = run.end;
  while (first > least && hasBit(thief.holds, first - 1)) first -= 1;
  return run.end - first;
}

/** Closes a hopeless lane; its pieces come back as missing. One at a time. */
function takeOver(plan: PlanState, thief: SourcePlan, nowMs: number): void {
  const victim = slowest(plan, (lane) => lane.source !== thief && isHopeless(plan, lane, thief, nowMs));
  if (victim !== undefined) takePiece(plan, victim);
}

/** Closes the lane for the piece that it is at. */
export function takePiece(plan: PlanState, victim: LanePlan): void {
  const index = victim.runs[0]?.next;
  if (index === undefined) return;
  const { takeOvers } = plan.pieces;
  takeOvers[index] = (takeOvers[index] ?? 0) + 1;
  plan.takenFrom.set(index, (plan.takenFrom.get(index) ?? new Set()).add(victim.source.id));
  closeLane(plan, victim, 'taken_over');
}

/** The piece that the lane is at, to be had from the thief, who did not lose it before. */
export function mayTakeOver(plan: PlanState, lane: LanePlan, thief: SourcePlan): boolean {
  const index = lane.runs[0]?.next;
  if (index === undefined || !hasBit(thief.holds, index)) return false;
  if ((plan.pieces.takeOvers[index] ?? 0) >= plan.limits.maxTakeOvers) return false;
  return plan.takenFrom.get(index)?.has(thief.id) !== true;
}

function isHopeless(plan: PlanState, lane: LanePlan, thief: SourcePlan, nowMs: number): boolean {
  if (!mayTakeOver(plan, lane, thief)) return false;
  if (isMute(plan, lane, nowMs)) return true;
  if (plan.pieces.missing > 0 || lane.rate === 0 || lane.asked > 1) return false;
  return remainingMs(plan, lane) > pieceMs(plan, thief) * plan.limits.takeOverFactor + WORTHWHILE_MS;
}

/** Has not sent a byte since it was asked, though there was time for it. */
function isMute(plan: PlanState, lane: LanePlan, nowMs: number): boolean {
  const silentMs = nowMs - lane.lastBytesAtMs;
  return lane.pieceBytes === 0 && silentMs >= Math.max(plan.limits.muteMs, 4 * lane.roundTripMs);
}

function slowest(plan: PlanState, fits: (lane: LanePlan) => boolean): LanePlan | undefined {
  let found: LanePlan | undefined;
  let longestMs = -1;
  for (const lane of plan.lanes.values()) {
    if (lane.closing) return undefined;
    if (lane.runs.length === 0 || !fits(lane)) continue;
    const restMs = remainingMs(plan, lane);
    if (restMs <= longestMs) continue;
    found = lane;
    longestMs = restMs;
  }
  return found;
}

/** Endless for a lane that has not sent anything yet, but only once it had the time of a tick to do so. */
function remainingMs(plan: PlanState, lane: LanePlan): number {
  if (lane.rate > 0) return (bytesToCome(plan, lane) * 1000) / lane.rate;
  return plan.lastTickMs > lane.busySinceMs ? Number.MAX_VALUE : 0;
}
