/**
 * Which piece is asked of whom: a pure function of state, event, time and chance, shared by downloads, tests and the
 * simulator. The state passed in is consumed: it is changed in place and handed back. A piece is asked of one lane at a
 * time; what a dead lane had is missing again only when nothing of it is under way any more, so two peers never write the
 * same place. Spec: docs/spec/10-transfer.md §4.
 */
import type { Random } from '../../core/index.ts';
import { TRANSFER_LIMITS } from '../limits.ts';
import { assignWork, type Wake } from './assign.ts';
import { settleAfterOpening } from './climb.ts';
import { freeDigest } from './digest-block.ts';
import { settleMode } from './mode.ts';
import { keepPiece, makePieceTable, returnPieces } from './piece-table.ts';
import type { PlanCommand, PlanEvent, PlanStart } from './plan-events.ts';
import { endRun, removeLane } from './plan-lanes.ts';
import { type LanePlan, type PlanState, renewHope, type SourcePlan } from './plan-state.ts';
import { addSource, failLane, failSource, loseSource, refuseRun } from './source-events.ts';
import { learnNews } from './source-view.ts';
import { takeTick } from './ticks.ts';

export interface PlanStep {
  /** The state that was passed in, changed. */
  readonly state: PlanState;
  readonly commands: readonly PlanCommand[];
}

export function startPlan(start: PlanStart): PlanState {
  const { nowMs } = start;
  const limits = start.limits ?? TRANSFER_LIMITS;
  return {
    limits,
    pieces: makePieceTable(start.pieceCount, start.pieceBytes, start.missing, start.checking ?? 0),
    sources: new Map(),
    lanes: new Map(),
    takenFrom: new Map(),
    climb: { goal: 1, isTrial: false, fromMs: nowMs, bytes: 0, baseRate: 0, restUntilMs: 0 },
    slowSinceMs: [undefined, undefined],
    openTier: 0,
    mode: 'alone',
    swarmAtMs: Number.NEGATIVE_INFINITY,
    nextLaneId: 1,
    startedAtMs: nowMs,
    lastTickMs: nowMs,
    lastGoodMs: undefined,
    lastNewsMs: nowMs,
    barrenFromMs: nowMs,
    totalRate: 0,
    isHearing: false,
    ended: undefined,
    commands: [],
  };
}

/** The next state and what to do; nothing once the plan has ended. */
export function planTransfer(state: PlanState, event: PlanEvent, nowMs: number, random: Random): PlanStep {
  if (state.ended !== undefined) return { state, commands: [] };
  state.commands = [];
  state.isHearing = event.on === 'pieces_news';
  const wake = takeEvent(state, event, nowMs, random);
  endIfOver(state, nowMs);
  assignWork(state, wake, nowMs, random);
  return { state, commands: state.commands };
}

function takeEvent(plan: PlanState, event: PlanEvent, nowMs: number, random: Random): Wake {
  switch (event.on) {
    case 'piece_checked':
      return finishCheck(plan, event.index, event.ok);
    case 'tick':
      takeTick(plan, event, nowMs);
      settleMode(plan, nowMs);
      if ((event.held?.size ?? 0) === 0) freeDigest(plan, nowMs);
      return 'all';
    case 'source_added':
      return addSource(plan, event, nowMs) && plan.sources.get(event.sourceId);
    case 'source_removed':
    case 'source_failed':
    case 'pieces_news':
      return takeSourceEvent(plan, event, nowMs, random);
    default:
      return takeLaneEvent(plan, event, nowMs, random);
  }
}

type SourceEvent = Extract<PlanEvent, { on: 'source_removed' | 'source_failed' | 'pieces_news' }>;
type LaneEvent = Extract<PlanEvent, { readonly laneId: number }>;

function takeSourceEvent(plan: PlanState, event: SourceEvent, nowMs: number, random: Random): Wake {
  const source = plan.sources.get(event.sourceId);
  if (source === undefined || source.status === 'gone') return undefined;
  if (event.on === 'source_removed') loseSource(plan, source);
  else if (event.on === 'source_failed') failSource(plan, source, { ...event, nowMs, random });
  else {
    learnNews(plan, source, event.news, nowMs);
    return settleMode(plan, nowMs) ? 'all' : source;
  }
  settleMode(plan, nowMs);
  return 'all';
}

function takeLaneEvent(plan: PlanState, event: LaneEvent, nowMs: number, random: Random): Wake {
  const lane = plan.lanes.get(event.laneId);
  if (lane === undefined) return undefined;
  switch (event.on) {
    case 'lane_opened':
      openLane(plan, lane, event, nowMs);
      return lane.source;
    case 'piece_done':
      finishPiece(plan, lane, event.index, nowMs);
      return lane.source;
    case 'run_done':
      endRun(plan, lane);
      return lane.source;
    case 'run_refused':
      refuseRun(plan, lane, event.retryAfterMs, { code: 'peer_busy', nowMs, random });
      // Others take it with their next event, a tick at the latest: refusals are many, and a look at all of them is dear.
      return undefined;
    case 'lane_failed':
      lane.closing = true;
      failLane(plan, lane, { ...event, nowMs, random });
      break;
    case 'lane_closed':
      break;
  }
  removeLane(plan, lane);
  return 'all';
}

function openLane(plan: PlanState, lane: LanePlan, event: { roundTripMs: number; depth: number }, nowMs: number): void {
  lane.isOpen = true;
  lane.depth = Math.max(1, event.depth);
  lane.roundTripMs = event.roundTripMs;
  lane.busySinceMs = nowMs;
  lane.lastBytesAtMs = nowMs;
  settleAfterOpening(plan, nowMs);
}

function finishPiece(plan: PlanState, lane: LanePlan, index: number, nowMs: number): void {
  const run = lane.runs[0];
  if (run === undefined || run.next !== index || run.next >= run.end) return;
  run.next += 1;
  lane.asked -= 1;
  lane.pieceBytes = 0;
  keepPiece(plan.pieces, index);
  plan.takenFrom.delete(index);
  plan.lastGoodMs = nowMs;
  plan.barrenFromMs = nowMs;
  lane.source.failuresInRow = 0;
  lane.source.lacksInRow = 0;
  lane.source.refusedSinceMs = undefined;
  if (lane.rate === 0) guessRate(plan, lane, nowMs);
}

/** Until the first tick tells better. */
function guessRate(plan: PlanState, lane: LanePlan, nowMs: number): void {
  const elapsedMs = nowMs - lane.busySinceMs;
  lane.rate = (plan.pieces.bytes * 1000) / Math.max(elapsedMs - lane.roundTripMs, elapsedMs / 4, 1);
  if (lane.source.rate === 0) lane.source.rate = lane.rate;
}

function finishCheck(plan: PlanState, index: number, ok: boolean): Wake {
  plan.pieces.checking -= 1;
  if (ok) keepPiece(plan.pieces, index);
  else returnPieces(plan.pieces, { first: index, end: index + 1 });
  renewHope(plan);
  return ok ? undefined : 'all';
}

function endIfOver(plan: PlanState, nowMs: number): void {
  if (plan.pieces.left === 0) plan.ended = 'completed';
  else if (plan.lanes.size === 0 && plan.pieces.checking === 0 && isHopeless(plan, nowMs)) plan.ended = 'failed';
  if (plan.ended !== undefined) plan.commands.push({ do: plan.ended === 'completed' ? 'complete' : 'fail' });
}

/** Nobody is left, or those who are have had nothing for us for as long as an outage may last. */
function isHopeless(plan: PlanState, nowMs: number): boolean {
  const isLeft = (source: SourcePlan): boolean => source.status !== 'gone';
  if (![...plan.sources.values()].some(isLeft)) return true;
  // Words cost nothing: whoever only talks keeps nobody waiting for ever.
  if (nowMs - plan.barrenFromMs >= plan.limits.barrenMs) return true;
  const lastSignMs = Math.max(plan.startedAtMs, plan.lastGoodMs ?? 0, plan.lastNewsMs);
  const hasNone = (source: SourcePlan): boolean => source.status !== 'waiting' && source.hasNothing;
  return nowMs - lastSignMs >= plan.limits.outageMs && [...plan.sources.values()].filter(isLeft).every(hasNone);
}
