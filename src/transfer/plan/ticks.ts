/** What only time tells: rates, silence, pauses that are over, tiers that give too little. Spec: docs/spec/10-transfer.md §4.6. */
import { climbLanes, measureAnew } from './climb.ts';
import type { Tier } from './piece-table.ts';
import type { PlanEvent } from './plan-events.ts';
import { closeLane } from './plan-lanes.ts';
import { type LanePlan, type PlanState, renewHope } from './plan-state.ts';
import { wakeSources } from './source-events.ts';

export function takeTick(plan: PlanState, event: Extract<PlanEvent, { on: 'tick' }>, nowMs: number): void {
  const gapMs = nowMs - plan.lastTickMs;
  const wasAsleep = gapMs > plan.limits.lateTickMs;
  if (wasAsleep) plan.barrenFromMs += gapMs;
  let bytes = 0;
  plan.totalRate = 0;
  for (const lane of plan.lanes.values()) {
    const count = event.received.get(lane.id) ?? 0;
    bytes += count;
    if (wasAsleep || event.held?.has(lane.id) === true) forgiveLane(lane, nowMs);
    watchLane(plan, lane, count, nowMs);
    plan.totalRate += lane.runs.length === 0 ? 0 : lane.rate;
  }
  const isHeldUp = wasAsleep || (event.held?.size ?? 0) > 0;
  if (isHeldUp) measureAnew(plan, nowMs);
  else climbLanes(plan, bytes, nowMs);
  weighTiers(plan, isHeldUp, nowMs);
  wakeSources(plan, nowMs);
  plan.lastTickMs = nowMs;
}

/** We did not take what it may have sent. */
function forgiveLane(lane: LanePlan, nowMs: number): void {
  lane.lastBytesAtMs = nowMs;
  lane.windowAtMs = nowMs;
  lane.windowBytes = 0;
}

function watchLane(plan: PlanState, lane: LanePlan, bytes: number, nowMs: number): void {
  if (lane.runs.length === 0) return;
  updateRate(plan, lane, bytes, nowMs);
  lane.pieceBytes = Math.min(lane.pieceBytes + bytes, plan.pieces.bytes);
  lane.windowBytes += bytes;
  if (bytes > 0) lane.lastBytesAtMs = nowMs;
  if (isStalled(plan, lane, nowMs)) closeLane(plan, lane, 'peer_stalled');
}

function updateRate(plan: PlanState, lane: LanePlan, bytes: number, nowMs: number): void {
  const elapsedMs = nowMs - Math.max(plan.lastTickMs, lane.busySinceMs);
  if (elapsedMs < plan.limits.tickMs / 4) return;
  const current = (bytes * 1000) / elapsedMs;
  lane.rate = lane.rate === 0 ? current : (lane.rate + current) / 2;
  if (lane.rate > 0) lane.source.rate = lane.rate;
}

/** Silent for the stall time, or next to silent for a whole one. */
function isStalled(plan: PlanState, lane: LanePlan, nowMs: number): boolean {
  const { stallMs, minStallBytes } = plan.limits;
  if (nowMs - lane.lastBytesAtMs >= stallMs) return true;
  if (nowMs - lane.windowAtMs < stallMs) return false;
  const isDripping = lane.windowBytes < minStallBytes;
  lane.windowAtMs = nowMs;
  lane.windowBytes = 0;
  return isDripping;
}

/** What costs more joins when all that costs less has given too little for some time. */
function weighTiers(plan: PlanState, isHeldUp: boolean, nowMs: number): void {
  const rates = [0, 0, 0];
  for (const lane of plan.lanes.values())
    if (lane.runs.length > 0) rates[lane.source.tier] = (rates[lane.source.tier] ?? 0) + lane.rate;
  const [near = 0, relayed = 0] = rates;
  const isEnough = (rate: number): boolean => isHeldUp || rate >= plan.limits.tierFloorBytesPerSecond;
  const before = plan.openTier;
  plan.slowSinceMs[0] = isEnough(near) ? undefined : (plan.slowSinceMs[0] ?? nowMs);
  plan.slowSinceMs[1] = isEnough(near + relayed) ? undefined : (plan.slowSinceMs[1] ?? nowMs);
  plan.openTier = openTier(plan, nowMs);
  if (plan.openTier !== before) renewHope(plan);
}

function openTier(plan: PlanState, nowMs: number): Tier {
  const isSlow = (since: number | undefined): boolean =>
    since !== undefined && nowMs - since >= plan.limits.tierPatienceMs;
  if (!isSlow(plan.slowSinceMs[0])) return 0;
  return isSlow(plan.slowSinceMs[1]) ? 2 : 1;
}
