/**
 * Who gets which pieces: the lowest missing ones first, so that the whole digest stays close behind; when none are
 * left, the tail of the run that would end last; at the very end, the last piece of a lane that is far too slow.
 * Spec: docs/spec/10-transfer.md §4.
 */
import { KiB, type Random } from '../core/index.ts';
import type { LanePlan, PlanDraft, SourcePlan } from './plan-state.ts';
import { countPieces, type Span, takeFirst } from './spans.ts';

/** Below this, moving work costs more than it saves. */
const WORTHWHILE_MS = 100;
/** Bytes a second expected of a peer nobody has measured, when it is to rescue another's last piece. */
const UNKNOWN_RATE = 256 * KiB;

/** Gives every free lane work, if there is any worth giving. */
export function assignWork(draft: PlanDraft, nowMs: number, random: Random): void {
  if (draft.ended !== undefined) return;
  for (const source of readySources(draft, random)) {
    for (let free = freeLanes(draft, source); free > 0; free -= 1) {
      const span = takeMissing(draft, source) ?? stealTail(draft, source);
      if (span === undefined) {
        takeOver(draft, source);
        break;
      }
      startRun(draft, source, span, nowMs);
    }
  }
}

/** Fastest first; equals in random order. */
function readySources(draft: PlanDraft, random: Random): SourcePlan[] {
  return [...draft.sources.values()]
    .filter((source) => source.status === 'ready')
    .map((source) => ({ source, tie: random.next() }))
    .sort((a, b) => b.source.rate - a.source.rate || a.tie - b.tie)
    .map(({ source }) => source);
}

function lanesOf(draft: PlanDraft, source: SourcePlan): LanePlan[] {
  return [...draft.lanes.values()].filter((lane) => lane.sourceId === source.id);
}

function freeLanes(draft: PlanDraft, source: SourcePlan): number {
  return source.maxLanes - lanesOf(draft, source).filter((lane) => lane.run !== undefined || lane.closing).length;
}

function takeMissing(draft: PlanDraft, source: SourcePlan): Span | undefined {
  const slots = [...draft.sources.values()].reduce(
    (sum, each) => sum + (each.status === 'ready' ? each.maxLanes : 0),
    0,
  );
  const fairShare = Math.ceil(countPieces(draft.missing) / Math.max(slots, 1));
  const took = takeFirst(draft.missing, Math.max(1, Math.min(runPieces(draft, source), fairShare)));
  if (took !== undefined) draft.missing = took.rest;
  return took?.taken;
}

function runPieces(draft: PlanDraft, source: SourcePlan): number {
  const { minRunBytes, maxRunBytes, runMs } = draft.limits;
  const bytes = Math.min(Math.max((source.rate * runMs) / 1000, minRunBytes), maxRunBytes);
  return Math.max(1, Math.floor(bytes / draft.pieceBytes));
}

function stealTail(draft: PlanDraft, thief: SourcePlan): Span | undefined {
  const victim = slowest(draft, thief, (lane) => piecesAfterNext(lane) > 0 && remainingMs(draft, lane) > WORTHWHILE_MS);
  if (victim?.run === undefined) return undefined;
  const pieces = piecesAfterNext(victim);
  const share = thief.rate === 0 && victim.rate === 0 ? 0.5 : thief.rate / (thief.rate + victim.rate);
  const span = { first: victim.run.end - Math.max(1, Math.floor(pieces * share)), end: victim.run.end };
  victim.run.end = span.first;
  draft.commands.push({ do: 'shorten', laneId: victim.id, end: span.first });
  return span;
}

/** Closes a hopeless lane; its piece comes back as missing and goes to the fastest free source. */
function takeOver(draft: PlanDraft, thief: SourcePlan): void {
  if (draft.missing.length > 0) return;
  const thiefMs = (draft.pieceBytes / (thief.rate || UNKNOWN_RATE)) * 1000;
  const bound = thiefMs * draft.limits.takeOverFactor + WORTHWHILE_MS;
  // A lane that has not sent a byte yet is left to the stall limit: two far peers would rob each other for ever.
  const isHopeless = (lane: LanePlan): boolean => lane.rate > 0 && remainingMs(draft, lane) > bound;
  const victim = slowest(draft, thief, (lane) => piecesAfterNext(lane) === 0 && isHopeless(lane));
  if (victim === undefined || [...draft.lanes.values()].some((lane) => lane.closing)) return;
  victim.closing = true;
  draft.commands.push({ do: 'close', laneId: victim.id, because: 'taken_over' });
}

function slowest(draft: PlanDraft, thief: SourcePlan, fits: (lane: LanePlan) => boolean): LanePlan | undefined {
  return [...draft.lanes.values()]
    .filter((lane) => lane.run !== undefined && !lane.closing && lane.sourceId !== thief.id && fits(lane))
    .sort((a, b) => remainingMs(draft, b) - remainingMs(draft, a))[0];
}

function piecesAfterNext(lane: LanePlan): number {
  return lane.run === undefined ? 0 : lane.run.end - lane.run.next - 1;
}

/** Endless for a lane that has not sent anything yet, but only once it had the time of a tick to do so. */
function remainingMs(draft: PlanDraft, lane: LanePlan): number {
  if (lane.run === undefined) return 0;
  const bytes = (lane.run.end - lane.run.next) * draft.pieceBytes - lane.pieceBytes;
  if (lane.rate > 0) return (bytes / lane.rate) * 1000;
  return draft.lastTickMs > lane.busySinceMs ? Number.MAX_VALUE : 0;
}

function startRun(draft: PlanDraft, source: SourcePlan, span: Span, nowMs: number): void {
  const idle = lanesOf(draft, source).find((lane) => lane.run === undefined && !lane.closing);
  const lane = idle ?? newLane(draft, source, nowMs);
  lane.run = { next: span.first, end: span.end };
  lane.pieceBytes = 0;
  draft.commands.push({ do: 'read', laneId: lane.id, sourceId: source.id, ...span });
}

function newLane(draft: PlanDraft, source: SourcePlan, nowMs: number): LanePlan {
  const id = draft.nextLaneId;
  draft.nextLaneId += 1;
  const times = { busySinceMs: nowMs, lastBytesAtMs: nowMs, windowAtMs: nowMs };
  const lane = {
    id,
    sourceId: source.id,
    run: undefined,
    closing: false,
    pieceBytes: 0,
    rate: 0,
    windowBytes: 0,
    ...times,
  };
  draft.lanes.set(id, lane);
  return lane;
}
