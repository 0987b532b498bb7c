/**
 * Which missing pieces a source is asked for next. Alone: the lowest, in long runs, so that the whole digest stays close
 * behind. In a swarm: those it has not sent to anybody first, then the rarest, equals by chance. Never a piece that it is
 * not known to hold. Spec: docs/spec/10-transfer.md §4.4.
 */
import type { Random } from '../../core/index.ts';
import type { Span } from '../spans.ts';
import { hasBit, lowestMissing, MISSING, type Tier } from './piece-table.ts';
import type { PlanState, SourcePlan } from './plan-state.ts';
import { mayAskSent } from './source-view.ts';

/** Above every count of holders: what was sent already comes last. */
const SENT = 1 << 20;

/** Up to `count` adjoining pieces, at most one scan over the table. */
export function pickSpan(
  plan: PlanState,
  source: SourcePlan,
  count: number,
  nowMs: number,
  random: Random,
): Span | undefined {
  if (plan.pieces.missing === 0 || source.hasNothing || isShutOut(plan, source)) return undefined;
  const first = plan.mode === 'alone' ? pickLowest(plan, source) : pickRarest(plan, source, nowMs, random);
  if (first === undefined) {
    source.hasNothing = true;
    return undefined;
  }
  let end = first + 1;
  while (end < first + count && plan.pieces.places[end] === MISSING && mayTake(plan, source, end)) end += 1;
  return { first, end };
}

function pickLowest(plan: PlanState, source: SourcePlan): number | undefined {
  const { count, places } = plan.pieces;
  for (let index = lowestMissing(plan.pieces); index < count; index += 1)
    if (places[index] === MISSING && mayTake(plan, source, index)) return index;
  return undefined;
}

function pickRarest(plan: PlanState, source: SourcePlan, nowMs: number, random: Random): number | undefined {
  const { count, places, holders } = plan.pieces;
  const [near, relayed, paid] = holders;
  let best: number | undefined;
  let bestRank = Number.POSITIVE_INFINITY;
  let ties = 0;
  for (let index = lowestMissing(plan.pieces); index < count; index += 1) {
    if (places[index] !== MISSING || !mayTake(plan, source, index)) continue;
    const isSent = source.sent !== undefined && hasBit(source.sent, index);
    const rank = (near[index] ?? 0) + (relayed[index] ?? 0) + (paid[index] ?? 0) + (isSent ? SENT : 0);
    if (rank > bestRank) continue;
    ties = rank === bestRank ? ties + 1 : 1;
    if (ties === 1 || random.next() * ties < 1) best = index;
    bestRank = rank;
  }
  if (bestRank < SENT || source.view !== 'all') source.onlySentSinceMs = undefined;
  else if (best !== undefined && !mayAskSent(plan, source, nowMs)) {
    source.onlySentSinceMs ??= nowMs;
    return undefined;
  }
  return best;
}

function mayTake(plan: PlanState, source: SourcePlan, index: number): boolean {
  if (!hasBit(source.holds, index)) return false;
  if (source.tier > plan.openTier && isHeldBelow(plan, source.tier, index)) return false;
  if (plan.takenFrom.size === 0 || plan.takenFrom.get(index)?.has(source.id) !== true) return true;
  return !isHeldElsewhere(plan, source, index);
}

/** Someone cheaper has everything, or has not told yet: what costs more waits. */
function isShutOut(plan: PlanState, source: SourcePlan): boolean {
  if (source.tier <= plan.openTier) return false;
  for (const other of plan.sources.values())
    if (other.tier < source.tier && other.status !== 'gone' && other.view !== 'some') return true;
  return false;
}

function isHeldBelow(plan: PlanState, tier: Tier, index: number): boolean {
  const [near, relayed] = plan.pieces.holders;
  return (near[index] ?? 0) > 0 || (tier === 2 && (relayed[index] ?? 0) > 0);
}

/** By one who may be asked now. */
function isHeldElsewhere(plan: PlanState, source: SourcePlan, index: number): boolean {
  for (const other of plan.sources.values())
    if (other !== source && other.status === 'ready' && other.view !== 'unknown' && hasBit(other.holds, index))
      return true;
  return false;
}
