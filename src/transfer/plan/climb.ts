/**
 * How many lanes a source may have: doubled for a trial when the whole download has been steady, kept where the whole
 * got faster by it, taken back where not. One TCP connection fills a clean path; on a path that loses packets several
 * are several times as fast. Spec: docs/spec/10-transfer.md §4.7.
 */
import { laneGoal } from './plan-measures.ts';
import type { PlanState } from './plan-state.ts';

export function climbLanes(plan: PlanState, bytes: number, nowMs: number): void {
  const { climb, limits } = plan;
  if (nowMs < climb.fromMs) return;
  // What a tick tells came since the one before: one that began earlier would count for more than its time.
  if (plan.lastTickMs < climb.fromMs) {
    measureAnew(plan, nowMs);
    return;
  }
  climb.bytes += bytes;
  const elapsedMs = nowMs - climb.fromMs;
  if (elapsedMs < limits.climbMs) return;
  const rate = (climb.bytes * 1000) / elapsedMs;
  if (climb.isTrial && rate < climb.baseRate * (1 + limits.climbGain)) {
    climb.goal /= 2;
    climb.restUntilMs = nowMs + limits.climbRestMs;
  }
  const begins = nowMs >= climb.restUntilMs && isWorthwhile(plan, rate);
  if (begins) climb.goal *= 2;
  climb.isTrial = begins;
  climb.baseRate = rate;
  measureAnew(plan, nowMs + (begins ? limits.climbSettleMs : 0));
}

/** What was measured does not count: lanes came or went, the machine slept, our own gate held bytes up. */
export function measureAnew(plan: PlanState, fromMs: number): void {
  plan.climb.fromMs = fromMs;
  plan.climb.bytes = 0;
}

/** A lane that has begun disturbs what is measured, unless it is the trial's. */
export function settleAfterOpening(plan: PlanState, nowMs: number): void {
  if (!plan.climb.isTrial) measureAnew(plan, nowMs + plan.limits.climbSettleMs);
}

function isWorthwhile(plan: PlanState, rate: number): boolean {
  const { limits, pieces, climb } = plan;
  if (rate <= 0 || (pieces.left * pieces.bytes) / rate < (2 * limits.climbMs) / 1000) return false;
  if (plan.lanes.size * 2 > limits.maxTrialLanes) return false;
  for (const source of plan.sources.values())
    if (source.status === 'ready' && source.lanes.length >= climb.goal && source.maxLanes > laneGoal(plan, source))
      return true;
  return false;
}
