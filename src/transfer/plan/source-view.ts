/** What each source holds, as its news tell, and how many hold each piece. Spec: docs/spec/10-transfer.md §4.2. */
import type { PieceNews } from '../ports.ts';
import { clearBit, hasBit, type PieceTable, setBit } from './piece-table.ts';
import type { PlanState, SourcePlan } from './plan-state.ts';

export function learnNews(plan: PlanState, source: SourcePlan, news: PieceNews, nowMs: number): void {
  switch (news.news) {
    case 'holds_all':
      seeAs(plan, source, 'all');
      break;
    case 'holds':
      seeBits(plan, source, news.bits);
      break;
    case 'gained':
      gain(plan, source, news.indexes);
      break;
    case 'sent':
      noteSent(plan.pieces, source, news.indexes);
      return;
    case 'others':
      source.others = news.count;
      source.hasCompany = true;
      return;
  }
  source.hasNews = true;
  source.heardAtMs ??= nowMs;
  source.hasNothing = false;
  plan.lastNewsMs = nowMs;
}

/** Of one that has everything, but has not told yet who else asks it, it is not known how to choose among its pieces. */
export function isKnown(plan: PlanState, source: SourcePlan, nowMs: number): boolean {
  if (source.view !== 'all') return source.view === 'some';
  return source.hasCompany || nowMs - (source.heardAtMs ?? source.addedAtMs) >= plan.limits.companyWaitMs;
}

/**
 * What it sent to one of the others comes from there before long. Not for ever, and not where it would give more than all
 * who are asked now.
 */
export function mayAskSent(plan: PlanState, source: SourcePlan, nowMs: number): boolean {
  const { onlySentSinceMs } = source;
  if (plan.totalRate > source.rate) return false;
  return onlySentSinceMs !== undefined && nowMs - onlySentSinceMs >= plan.limits.sentPatienceMs;
}

/** A source that holds all, or of which nothing is known (any more), keeps no bits. */
export function seeAs(plan: PlanState, source: SourcePlan, view: 'unknown' | 'all'): void {
  if (source.view === 'some') countBits(plan.pieces, source, -1);
  source.view = view;
  source.holds = undefined;
  source.heldCount = 0;
}

/**
 * It said "not held" of pieces it was thought to hold. One that was taken to hold everything holds a part, then, and is
 * asked piece by piece: which of a long run it lacks is not known.
 */
export function unsee(plan: PlanState, source: SourcePlan, first: number, end: number): void {
  const wasWhole = source.view === 'all';
  if (wasWhole) seeBits(plan, source, new Uint8Array(Math.ceil(plan.pieces.count / 8)).fill(0xff), false);
  if (source.holds === undefined || (wasWhole && end - first > 1)) return;
  for (let index = first; index < end; index += 1) {
    if (!hasBit(source.holds, index)) continue;
    clearBit(source.holds, index);
    source.heldCount -= 1;
    addHolder(plan.pieces, source, index, -1);
  }
}

function seeBits(plan: PlanState, source: SourcePlan, bits: Uint8Array, mayBeWhole = true): void {
  seeAs(plan, source, 'unknown');
  source.view = 'some';
  source.holds = new Uint8Array(Math.ceil(plan.pieces.count / 8));
  for (let index = 0; index < plan.pieces.count; index += 1) if (hasBit(bits, index)) see(plan.pieces, source, index);
  if (mayBeWhole) becomeWhole(plan, source);
}

function gain(plan: PlanState, source: SourcePlan, indexes: readonly number[]): void {
  if (source.view === 'all') return;
  if (source.view === 'unknown') seeBits(plan, source, new Uint8Array(0));
  for (const index of indexes) see(plan.pieces, source, index);
  becomeWhole(plan, source);
}

function see(pieces: PieceTable, source: SourcePlan, index: number): void {
  if (source.holds === undefined || index < 0 || index >= pieces.count || hasBit(source.holds, index)) return;
  setBit(source.holds, index);
  source.heldCount += 1;
  addHolder(pieces, source, index, 1);
}

function becomeWhole(plan: PlanState, source: SourcePlan): void {
  if (source.view === 'some' && source.heldCount === plan.pieces.count) seeAs(plan, source, 'all');
}

function countBits(pieces: PieceTable, source: SourcePlan, by: 1 | -1): void {
  for (let index = 0; index < pieces.count; index += 1)
    if (hasBit(source.holds, index)) addHolder(pieces, source, index, by);
}

function addHolder(pieces: PieceTable, source: SourcePlan, index: number, by: 1 | -1): void {
  const counts = pieces.holders[source.tier];
  counts[index] = (counts[index] ?? 0) + by;
}

function noteSent(pieces: PieceTable, source: SourcePlan, indexes: readonly number[]): void {
  source.sent ??= new Uint8Array(Math.ceil(pieces.count / 8));
  for (const index of indexes) if (index >= 0 && index < pieces.count) setBit(source.sent, index);
}
