/**
 * How far others are believed about a peer. Pure. All of a report is in its author's hand, who may lie: what one says, and
 * what all say together, is bounded beside our own experience. Spec: docs/spec/15-feedback.md §4, §5.
 */
import type { NodeId } from '../core/index.ts';
import { REGISTRY_LIMITS } from './limits.ts';
import type { PeerStats } from './peer-stats.ts';

/** How many downloads from a peer ended how. */
export interface VerdictCounts {
  readonly ok: number;
  readonly slow: number;
  readonly stalled: number;
  readonly corrupt: number;
}

/** One node's signed word on another. */
export interface PeerReport extends VerdictCounts {
  readonly reporter: NodeId;
  readonly saidMs: number;
}

/** What all reports on a peer weigh together. */
export interface PeerWords {
  readonly good: number;
  readonly bad: number;
  /** Reporters in good standing agree that it is corrupt, and we know nothing better. */
  readonly isShunned: boolean;
  readonly reporters: number;
  readonly corruptReporters: number;
}

export interface ReportContext {
  readonly subject: NodeId;
  readonly nowMs: number;
  /** Our own experience, with reporters and subject alike. */
  readonly statsOf: (nodeId: NodeId) => PeerStats | undefined;
}

const STRANGER_WEIGHT = 0.2;
const ONE_REPORTER = 0.5;
const ALL_REPORTERS = 2;
const GOOD_STANDING = 0.5;
const SHUNNING_REPORTERS = 3;

export function weighReports(reports: readonly PeerReport[], context: ReportContext): PeerWords {
  const counted = countedReports(reports, context).map((report) => weigh(report, context));
  const sum = (of: (one: Weighed) => number): number => counted.reduce((total, one) => total + of(one), 0);
  const [good, bad] = [sum((one) => one.good), sum((one) => one.bad)];
  const scale = Math.min(1, ALL_REPORTERS / (good + bad || 1));
  return {
    good: good * scale,
    bad: bad * scale,
    isShunned: isShunned(counted, context),
    reporters: counted.length,
    corruptReporters: counted.filter(({ saysCorrupt }) => saysCorrupt).length,
  };
}

interface Weighed {
  readonly good: number;
  readonly bad: number;
  readonly saysCorrupt: boolean;
  readonly vouches: boolean;
  readonly isInGoodStanding: boolean;
}

/** The latest of each reporter; nobody speaks of itself, and whoever is banned here says nothing. */
function countedReports(reports: readonly PeerReport[], { subject, nowMs, statsOf }: ReportContext): PeerReport[] {
  const latest = new Map<NodeId, PeerReport>();
  for (const report of reports) {
    const { reporter, saidMs } = report;
    const isBanned = (statsOf(reporter)?.bannedUntilMs ?? 0) > nowMs;
    if (reporter === subject || isBanned || saidMs <= nowMs - REGISTRY_LIMITS.reportLifeMs) continue;
    if (saidMs > (latest.get(reporter)?.saidMs ?? Number.NEGATIVE_INFINITY)) latest.set(reporter, report);
  }
  return [...latest.values()];
}

function weigh(report: PeerReport, { nowMs, statsOf }: ReportContext): Weighed {
  const weight = reporterWeight(statsOf(report.reporter));
  const ageMs = Math.max(0, nowMs - report.saidMs);
  const freshness = Math.max(0, 1 - ageMs / REGISTRY_LIMITS.reportLifeMs);
  const badCount = 4 * report.corrupt + 2 * report.stalled + report.slow;
  const count = report.ok + badCount;
  const badness = count === 0 ? 0 : badCount / count;
  const strength = ONE_REPORTER * (count / (count + 1)) * weight * freshness;
  return {
    good: strength * (1 - badness),
    bad: strength * badness,
    saysCorrupt: report.corrupt > 0,
    vouches: report.corrupt === 0 && report.ok > 0,
    isInGoodStanding: weight >= GOOD_STANDING,
  };
}

/** From 0.2 for a stranger towards 1 for who has served us well. */
export function reporterWeight(stats: PeerStats | undefined): number {
  if (stats === undefined) return STRANGER_WEIGHT;
  const { successes, failures, corruptions } = stats;
  const served = successes / (successes + failures + 4);
  return (STRANGER_WEIGHT + (1 - STRANGER_WEIGHT) * served) / (1 + 4 * corruptions);
}

function isShunned(counted: readonly Weighed[], { subject, statsOf }: ReportContext): boolean {
  if ((statsOf(subject)?.successes ?? 0) > 0) return false;
  const heeded = counted.filter(({ isInGoodStanding }) => isInGoodStanding);
  const accusers = heeded.filter(({ saysCorrupt }) => saysCorrupt).length;
  const vouchers = heeded.filter(({ vouches }) => vouches).length;
  return accusers >= SHUNNING_REPORTERS && accusers > vouchers;
}

/** Laplace's rule over our own experience and what others' words weigh: a stranger is even odds, nobody is ever certain. */
export function successChance(stats: PeerStats | undefined, words?: Pick<PeerWords, 'good' | 'bad'>): number {
  const { successes = 0, failures = 0, corruptions = 0 } = stats ?? {};
  const { good = 0, bad = 0 } = words ?? {};
  return (successes + good + 1) / (successes + failures + corruptions + good + bad + 2);
}

export interface Standing {
  readonly word: 'good' | 'unknown' | 'slow' | 'suspect' | 'banned';
  readonly reason: string;
  readonly chance: number;
  readonly reporters: number;
}

export interface Experience {
  readonly stats: PeerStats | undefined;
  readonly words: PeerWords;
  /** Our own verdicts of late. */
  readonly verdicts: VerdictCounts | undefined;
  readonly nowMs: number;
}

const LOW_CHANCE = 0.4;
const HIGH_CHANCE = 0.55;

/** A peer's standing here, for people. */
export function standingOf({ stats, words, verdicts, nowMs }: Experience): Standing {
  const chance = successChance(stats, words);
  const as = (word: Standing['word'], reason: string): Standing => ({
    word,
    reason,
    chance,
    reporters: words.reporters,
  });
  const own = stats === undefined ? 'nothing was fetched from it yet' : ownRecord(stats);
  const others = words.reporters === 0 ? '' : `; ${othersSay(words)}`;
  if ((stats?.bannedUntilMs ?? 0) > nowMs) return as('banned', 'it sent this node wrong bytes');
  if (words.isShunned) return as('suspect', `${othersSay(words)}, and this node knows nothing better`);
  const { ok, slow, stalled } = verdicts ?? { ok: 0, slow: 0, stalled: 0 };
  const isTold = (stats?.corruptions ?? 0) + words.corruptReporters > 0;
  if (chance < LOW_CHANCE) return as(isTold ? 'suspect' : 'slow', `${own}${others}`);
  if (slow + stalled > ok)
    return as('slow', `${slow + stalled} of its last ${ok + slow + stalled} downloads were slow`);
  return as(chance > HIGH_CHANCE ? 'good' : 'unknown', `${own}${others}`);
}

function ownRecord({ successes, failures, corruptions }: PeerStats): string {
  const corrupt = corruptions === 0 ? '' : `, ${corruptions} with wrong bytes`;
  return `${successes} of ${successes + failures + corruptions} downloads from it went well${corrupt}`;
}

function othersSay({ reporters, corruptReporters }: PeerWords): string {
  const nodes = reporters === 1 ? 'one other node tells' : `${reporters} other nodes tell`;
  return corruptReporters === 0 ? `${nodes} of it` : `${nodes} of it, ${corruptReporters} of wrong bytes`;
}
