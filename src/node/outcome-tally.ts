/** What this node found of late of each peer, and when it is worth telling the mesh. Pure. Spec: docs/spec/15-feedback.md §3. */
import type { NodeId } from '../core/index.ts';
import { PROTOCOL_LIMITS } from '../protocol/index.ts';
import type { VerdictCounts } from '../registry/index.ts';
import type { Verdict } from './judge-sources.ts';
import { NODE_LIMITS } from './limits.ts';

export interface Tally extends VerdictCounts {
  readonly bytes: number;
  readonly startMs: number;
  readonly lastMs: number;
}

/** What was told last, and when. */
export interface Told {
  readonly tally: Tally;
  readonly atMs: number;
}

const NOTHING: Omit<Tally, 'startMs' | 'lastMs'> = { ok: 0, slow: 0, stalled: 0, corrupt: 0, bytes: 0 };

/** A window that is over, or that began after now because a clock was wrong, begins again. */
export function addVerdict(before: Tally | undefined, { verdict, bytes }: Verdict, nowMs: number): Tally {
  const isOver = before === undefined || !isCurrent(before, nowMs);
  const tally = isOver ? { ...NOTHING, startMs: nowMs, lastMs: nowMs } : before;
  return {
    ...tally,
    [verdict]: Math.min(PROTOCOL_LIMITS.outcomeCount, tally[verdict] + 1),
    bytes: Math.min(Number.MAX_SAFE_INTEGER, tally.bytes + bytes),
    lastMs: nowMs,
  };
}

export function isCurrent({ startMs }: Tally, nowMs: number): boolean {
  return nowMs >= startMs && nowMs - startMs < NODE_LIMITS.outcomeWindowMs;
}

/** 0: nothing worth telling; more: sooner. */
export function urgencyOf(tally: Tally, told: Told | undefined, nowMs: number): number {
  if (told === undefined) return isBad(tally) ? 3 : 1;
  const before = told.tally.startMs === tally.startMs ? told.tally : { ...NOTHING };
  if (tally.corrupt > before.corrupt || tally.stalled > before.stalled) return 3;
  if (hasDoubled(tally.slow, before.slow) || hasDoubled(tally.ok, before.ok)) return 2;
  return tally.lastMs > told.atMs && nowMs - told.atMs >= NODE_LIMITS.outcomeRefreshMs ? 1 : 0;
}

export interface TellingPlan {
  /** To be told now, the most urgent first. */
  readonly now: readonly NodeId[];
  /** When to look again; undefined when nothing waits. */
  readonly nextMs: number | undefined;
}

/** `told` holds what others still have of us; the bounds of one subject, of all in a time, and of all subjects. */
export function planTelling(
  tallies: ReadonlyMap<NodeId, Tally>,
  told: ReadonlyMap<NodeId, Told>,
  nowMs: number,
): TellingPlan {
  const { outcomeEveryMs, outcomesPerPeriod } = NODE_LIMITS;
  const recent = [...told.values()].map(({ atMs }) => atMs).filter((atMs) => nowMs - atMs < outcomeEveryMs);
  const wanted = [...tallies]
    .map(([subject, tally]) => ({ subject, tally, urgency: urgencyOf(tally, told.get(subject), nowMs) }))
    .filter(({ urgency }) => urgency > 0)
    .sort((a, b) => b.urgency - a.urgency);
  const now: NodeId[] = [];
  let waits = false;
  let subjects = told.size;
  for (const { subject, tally } of wanted) {
    const last = told.get(subject);
    if (last === undefined && subjects >= roomFor(tally)) continue;
    const isEarly = last !== undefined && nowMs - last.atMs < outcomeEveryMs;
    if (isEarly || recent.length + now.length >= outcomesPerPeriod) waits = true;
    else {
      now.push(subject);
      if (last === undefined) subjects += 1;
    }
  }
  return { now, nextMs: waits ? Math.min(nowMs, ...recent) + outcomeEveryMs : undefined };
}

function roomFor(tally: Tally): number {
  return isBad(tally) ? NODE_LIMITS.outcomeSubjects : NODE_LIMITS.mildOutcomeSubjects;
}

function isBad({ corrupt, stalled }: Tally): boolean {
  return corrupt + stalled > 0;
}

function hasDoubled(now: number, before: number): boolean {
  return now > before && now >= 2 * before;
}
