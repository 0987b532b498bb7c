/**
 * Which piece is asked of whom: a pure function of state, event, time and chance, shared by downloads, tests and the
 * simulator. A piece is asked of one lane at a time; what a dead lane had goes back to `missing` only when nothing of
 * it is under way any more, so two peers never write the same place. Spec: docs/spec/10-transfer.md §4.
 */
import type { Random } from '../core/index.ts';
import { isFinalForPeer, type TransferErrorCode } from './errors.ts';
import { TRANSFER_LIMITS, type TransferLimits } from './limits.ts';
import { assignWork } from './plan-assign.ts';
import {
  type LanePlan,
  type PlanCommand,
  type PlanDraft,
  type PlanEvent,
  type PlanState,
  toDraft,
} from './plan-state.ts';
import { addSpan, countPieces, type Span } from './spans.ts';

export interface PlanStart {
  readonly pieceCount: number;
  readonly pieceBytes: number;
  readonly missing: readonly Span[];
  /** Pieces held but not yet known to be right; each is reported by `piece_checked`. */
  readonly checking?: number;
  readonly limits?: TransferLimits;
  readonly nowMs: number;
}

export interface PlanStep {
  readonly state: PlanState;
  readonly commands: readonly PlanCommand[];
}

export function startPlan(start: PlanStart): PlanState {
  const checking = start.checking ?? 0;
  return {
    pieceCount: start.pieceCount,
    pieceBytes: start.pieceBytes,
    limits: start.limits ?? TRANSFER_LIMITS,
    missing: start.missing,
    checking,
    left: countPieces(start.missing) + checking,
    nextLaneId: 1,
    lastTickMs: start.nowMs,
    sources: new Map(),
    lanes: new Map(),
    ended: undefined,
  };
}

/** The next state and what to do; nothing once the plan has ended. */
export function planTransfer(state: PlanState, event: PlanEvent, nowMs: number, random: Random): PlanStep {
  if (state.ended !== undefined) return { state, commands: [] };
  const draft = toDraft(state);
  applyEvent(draft, event, nowMs, random);
  endIfOver(draft);
  assignWork(draft, nowMs, random);
  const { commands, ...next } = draft;
  return { state: next, commands };
}

function applyEvent(draft: PlanDraft, event: PlanEvent, nowMs: number, random: Random): void {
  switch (event.on) {
    case 'source_added':
      addSource(draft, event);
      break;
    case 'source_failed':
      failSource(draft, event.sourceId, { code: event.code, nowMs, random });
      break;
    case 'piece_done':
      finishPiece(draft, event.laneId);
      break;
    case 'run_done':
      finishRun(draft, event.laneId);
      break;
    case 'lane_closed':
      removeLane(draft, event.laneId);
      break;
    case 'lane_failed':
      failLane(draft, event, nowMs, random);
      break;
    case 'piece_checked':
      finishCheck(draft, event.index, event.ok);
      break;
    case 'tick':
      tick(draft, event.received, nowMs);
      break;
  }
}

function addSource(draft: PlanDraft, event: Extract<PlanEvent, { on: 'source_added' }>): void {
  if (draft.sources.has(event.sourceId) || draft.sources.size >= draft.limits.maxSources) return;
  draft.sources.set(event.sourceId, {
    id: event.sourceId,
    maxLanes: Math.min(Math.max(1, event.lanes), draft.limits.maxLanesPerSource),
    status: 'ready',
    retryAtMs: 0,
    failuresInRow: 0,
    rate: event.expectedRate,
  });
}

function finishPiece(draft: PlanDraft, laneId: number): void {
  const lane = draft.lanes.get(laneId);
  if (lane?.run === undefined || lane.run.next >= lane.run.end) return;
  lane.run.next += 1;
  lane.pieceBytes = 0;
  draft.left -= 1;
  const source = draft.sources.get(lane.sourceId);
  if (source !== undefined) source.failuresInRow = 0;
}

function finishRun(draft: PlanDraft, laneId: number): void {
  const lane = draft.lanes.get(laneId);
  if (lane === undefined) return;
  returnPieces(draft, lane);
}

function returnPieces(draft: PlanDraft, lane: LanePlan): void {
  if (lane.run !== undefined) draft.missing = addSpan(draft.missing, { first: lane.run.next, end: lane.run.end });
  lane.run = undefined;
}

function removeLane(draft: PlanDraft, laneId: number): void {
  const lane = draft.lanes.get(laneId);
  if (lane === undefined) return;
  returnPieces(draft, lane);
  draft.lanes.delete(laneId);
}

function failLane(
  draft: PlanDraft,
  event: Extract<PlanEvent, { on: 'lane_failed' }>,
  nowMs: number,
  random: Random,
): void {
  const lane = draft.lanes.get(event.laneId);
  removeLane(draft, event.laneId);
  if (lane !== undefined) failSource(draft, lane.sourceId, { ...event, nowMs, random });
}

interface Failure {
  readonly code: TransferErrorCode;
  readonly retryAfterMs?: number;
  readonly nowMs: number;
  readonly random: Random;
}

/** Two lanes that break together are one failure. */
function failSource(draft: PlanDraft, sourceId: string, failure: Failure): void {
  const source = draft.sources.get(sourceId);
  if (source === undefined || source.status === 'gone') return;
  if (source.status === 'ready') source.failuresInRow += 1;
  const isFinal = isFinalForPeer(failure.code) || source.failuresInRow >= draft.limits.maxFailuresInRow;
  source.status = isFinal ? 'gone' : 'waiting';
  source.retryAtMs = failure.nowMs + pauseMs(draft, source.failuresInRow, failure);
  if (isFinal) closeLanes(draft, sourceId);
}

function pauseMs(draft: PlanDraft, failuresInRow: number, failure: Failure): number {
  const { backOffMs, maxBackOffMs } = draft.limits;
  const pause = Math.min(backOffMs * 2 ** (failuresInRow - 1), maxBackOffMs) * (0.5 + failure.random.next());
  return Math.max(pause, failure.retryAfterMs ?? 0);
}

function closeLanes(draft: PlanDraft, sourceId: string): void {
  for (const lane of draft.lanes.values()) {
    if (lane.sourceId !== sourceId || lane.closing) continue;
    lane.closing = true;
    draft.commands.push({ do: 'close', laneId: lane.id, because: 'source_gone' });
  }
}

function finishCheck(draft: PlanDraft, index: number, ok: boolean): void {
  draft.checking -= 1;
  if (ok) draft.left -= 1;
  else draft.missing = addSpan(draft.missing, { first: index, end: index + 1 });
}

function tick(draft: PlanDraft, received: ReadonlyMap<number, number>, nowMs: number): void {
  for (const lane of draft.lanes.values()) watchLane(draft, lane, received.get(lane.id) ?? 0, nowMs);
  for (const source of draft.sources.values()) {
    if (source.status === 'waiting' && nowMs >= source.retryAtMs) source.status = 'ready';
  }
  draft.lastTickMs = nowMs;
}

function watchLane(draft: PlanDraft, lane: LanePlan, bytes: number, nowMs: number): void {
  if (lane.run === undefined) {
    Object.assign(lane, { busySinceMs: nowMs, lastBytesAtMs: nowMs, windowAtMs: nowMs, windowBytes: 0 });
    return;
  }
  updateRate(draft, lane, bytes, nowMs);
  lane.pieceBytes = Math.min(lane.pieceBytes + bytes, draft.pieceBytes);
  lane.windowBytes += bytes;
  if (bytes > 0) lane.lastBytesAtMs = nowMs;
  if (isStalled(draft, lane, nowMs)) stall(draft, lane);
}

function updateRate(draft: PlanDraft, lane: LanePlan, bytes: number, nowMs: number): void {
  const elapsedMs = nowMs - Math.max(draft.lastTickMs, lane.busySinceMs);
  if (elapsedMs <= 0) return;
  const current = (bytes * 1000) / elapsedMs;
  lane.rate = lane.rate === 0 ? current : (lane.rate + current) / 2;
  const source = draft.sources.get(lane.sourceId);
  if (source !== undefined && lane.rate > 0) source.rate = lane.rate;
}

/** Silent for the stall time, or next to silent for a whole one. */
function isStalled(draft: PlanDraft, lane: LanePlan, nowMs: number): boolean {
  const { stallMs, minStallBytes } = draft.limits;
  if (nowMs - lane.lastBytesAtMs >= stallMs) return true;
  if (nowMs - lane.windowAtMs < stallMs) return false;
  const isDripping = lane.windowBytes < minStallBytes;
  lane.windowAtMs = nowMs;
  lane.windowBytes = 0;
  return isDripping;
}

function stall(draft: PlanDraft, lane: LanePlan): void {
  if (lane.closing) return;
  lane.closing = true;
  draft.commands.push({ do: 'close', laneId: lane.id, because: 'peer_stalled' });
}

function endIfOver(draft: PlanDraft): void {
  const hope = draft.lanes.size > 0 || draft.checking > 0;
  if (draft.left === 0) draft.ended = 'completed';
  else if (!hope && [...draft.sources.values()].every((source) => source.status === 'gone')) draft.ended = 'failed';
  if (draft.ended !== undefined) draft.commands.push({ do: draft.ended === 'completed' ? 'complete' : 'fail' });
}
