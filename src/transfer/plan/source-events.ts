/** Sources that come, fail, recover and go. Spec: docs/spec/10-transfer.md §4.6. */
import type { Random } from '../../core/index.ts';
import { isFinalForPeer, type TransferErrorCode } from '../errors.ts';
import type { SourceAdded } from './plan-events.ts';
import { closeLane, endRun } from './plan-lanes.ts';
import { type LanePlan, type PlanState, renewHope, type SourcePlan } from './plan-state.ts';
import { mayAskSent, seeAs, unsee } from './source-view.ts';

export interface Failure {
  readonly code: TransferErrorCode;
  readonly retryAfterMs?: number;
  readonly nowMs: number;
  readonly random: Random;
}

/** One that is gone may be added again, as if it had never been there; lanes of it that still close are not its own. */
export function addSource(plan: PlanState, event: SourceAdded, nowMs: number): SourcePlan | undefined {
  const known = plan.sources.get(event.sourceId);
  const isBack = known?.status === 'gone';
  if (!isBack && (known !== undefined || !hasRoom(plan))) return undefined;
  const source: SourcePlan = {
    id: event.sourceId,
    maxLanes: Math.min(Math.max(1, event.lanes), plan.limits.maxLanesPerSource),
    tier: event.tier ?? 0,
    follows: event.follows ?? false,
    isPartial: event.isPartial ?? false,
    isPreferred: event.isPreferred ?? false,
    status: 'ready',
    retryAtMs: 0,
    busyUntilMs: 0,
    refusedSinceMs: undefined,
    failuresInRow: 0,
    lacksInRow: 0,
    rate: event.expectedRate,
    addedAtMs: nowMs,
    view: 'unknown',
    hasNews: false,
    holds: undefined,
    heldCount: 0,
    sent: undefined,
    onlySentSinceMs: undefined,
    others: 0,
    hasCompany: event.follows !== true,
    heardAtMs: undefined,
    lanes: [],
    hasNothing: false,
  };
  plan.sources.set(source.id, source);
  if (!source.follows) seeAs(plan, source, 'all');
  return source;
}

/** One that is gone makes room for one that may help; else the one that has failed most often, where it has several times. */
function hasRoom(plan: PlanState): boolean {
  if (plan.sources.size < plan.limits.maxSources) return true;
  let worst: SourcePlan | undefined;
  for (const source of plan.sources.values())
    if (source.lanes.length === 0 && isSpare(plan, source) && hopeOf(source) < hopeOf(worst)) worst = source;
  if (worst === undefined) return false;
  loseSource(plan, worst);
  return plan.sources.delete(worst.id);
}

function isSpare(plan: PlanState, { status, failuresInRow }: SourcePlan): boolean {
  return status === 'gone' || (status === 'waiting' && failuresInRow >= plan.limits.maxFailuresInRow);
}

function hopeOf(source: SourcePlan | undefined): number {
  if (source === undefined) return 1;
  return source.status === 'gone' ? Number.NEGATIVE_INFINITY : -source.failuresInRow;
}

export function loseSource(plan: PlanState, source: SourcePlan): void {
  if (source.status === 'gone') return;
  source.status = 'gone';
  seeAs(plan, source, 'unknown');
  source.sent = undefined;
  source.others = 0;
  renewHope(plan);
  for (const lane of source.lanes) closeLane(plan, lane, 'source_gone');
}

/** Two lanes that break together are one failure. */
export function failSource(plan: PlanState, source: SourcePlan, failure: Failure): void {
  if (source.status === 'gone') return;
  if (source.status === 'ready') source.failuresInRow += 1;
  if (isFinalForPeer(failure.code) || isGivenUp(plan, source, failure.nowMs)) {
    loseSource(plan, source);
    return;
  }
  pause(plan, source, failure);
}

function pause(plan: PlanState, source: SourcePlan, failure: Failure): void {
  source.status = 'waiting';
  source.retryAtMs = Math.max(source.retryAtMs, failure.nowMs + pauseMs(plan, source, failure));
  renewHope(plan);
}

/** What a lane's failure says of its source; the lane's runs are still its own. */
export function failLane(plan: PlanState, lane: LanePlan, failure: Failure): void {
  const { source } = lane;
  // It answers other lanes: that many are what it has room for.
  if (failure.code === 'peer_busy' && source.lanes.length > 1) source.maxLanes = source.lanes.length - 1;
  const run = lane.runs[0];
  const isPart = failure.code === 'not_held_yet' || (failure.code === 'not_held' && source.view === 'some');
  if (!isPart || run === undefined || source.status === 'gone') {
    failSource(plan, source, failure);
    return;
  }
  // It has less than was thought: not a lie, it may have changed meanwhile. The pause is for one that says so again and again.
  unsee(plan, source, run.next, run.end);
  if (source.status === 'ready') source.lacksInRow += 1;
  pause(plan, source, failure);
}

/** It has no room for a request now: it is asked later, and others meanwhile. For ever so is a failure like others. */
export function refuseRun(plan: PlanState, lane: LanePlan, retryAfterMs: number, failure: Failure): void {
  const { source } = lane;
  const { nowMs, random } = failure;
  endRun(plan, lane);
  source.refusedSinceMs ??= nowMs;
  source.busyUntilMs = nowMs + Math.max(retryAfterMs, plan.limits.backOffMs) * (1 + random.next() / 2);
  if (nowMs - source.refusedSinceMs < plan.limits.busyPatienceMs) return;
  source.refusedSinceMs = nowMs;
  failSource(plan, source, failure);
}

/**
 * Where something came before, the network may be away, and a download outlives that; where nothing ever did, a few
 * failures are enough.
 */
function isGivenUp(plan: PlanState, source: SourcePlan, nowMs: number): boolean {
  if (source.failuresInRow < plan.limits.maxFailuresInRow) return false;
  return plan.lastGoodMs === undefined || nowMs - plan.lastGoodMs >= plan.limits.outageMs;
}

function pauseMs(plan: PlanState, source: SourcePlan, failure: Failure): number {
  const { backOffMs, maxBackOffMs } = plan.limits;
  const doublings = source.failuresInRow + source.lacksInRow - 1;
  const longest = Math.min(backOffMs * 2 ** doublings * (0.5 + failure.random.next()), maxBackOffMs);
  return Math.max(longest, failure.retryAfterMs ?? 0);
}

/** Sources whose pause is over are asked again; one that never told what it holds is taken to hold all. */
export function wakeSources(plan: PlanState, nowMs: number): void {
  for (const source of plan.sources.values()) {
    if (mayAskSent(plan, source, nowMs)) source.hasNothing = false;
    if (source.status === 'waiting' && isGivenUp(plan, source, nowMs)) loseSource(plan, source);
    if (source.status === 'waiting' && nowMs >= source.retryAtMs) {
      source.status = 'ready';
      source.hasNothing = false;
    }
    const isSilent = source.view === 'unknown' && !source.hasNews && source.failuresInRow === 0;
    if (isSilent && source.status === 'ready' && nowMs - source.addedAtMs >= plan.limits.newsWaitMs) {
      if (!source.isPartial) seeAs(plan, source, 'all');
      source.hasNothing = source.isPartial;
    }
  }
}
