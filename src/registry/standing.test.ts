import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NodeId } from '../core/index.ts';
import { vectorCases } from '../testkit/vectors.ts';
import { rankPeers } from './peer-choice.ts';
import type { PeerStats } from './peer-stats.ts';
import { type PeerReport, type PeerWords, standingOf, successChance, weighReports } from './standing.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = 1_800_000_000_000;
const SUBJECT = 'subject' as NodeId;

interface StandingCase {
  readonly name: string;
  readonly own?: PeerStats & { readonly banned_for_ms?: number };
  readonly reports: (Omit<PeerReport, 'saidMs'> & {
    readonly age_ms: number;
    readonly known?: PeerStats & { readonly banned_for_ms?: number };
  })[];
  readonly good: number;
  readonly bad: number;
  readonly shunned: boolean;
  readonly word: string;
}

function weighed(reports: readonly PeerReport[], known: ReadonlyMap<NodeId, PeerStats> = new Map()): PeerWords {
  return weighReports(reports, { subject: SUBJECT, nowMs: NOW_MS, statsOf: (nodeId) => known.get(nodeId) });
}

describe('weighReports() and standingOf()', () => {
  test.each(vectorCases<StandingCase>('registry', 'standing.json'))('%s', (_, { own, reports, ...wanted }) => {
    const withBan = (stats: NonNullable<StandingCase['own']>): PeerStats =>
      stats.banned_for_ms === undefined ? stats : { ...stats, bannedUntilMs: NOW_MS + stats.banned_for_ms };
    const known = new Map(reports.flatMap(({ reporter, known: one }) => (one ? [[reporter, withBan(one)]] : [])));
    const stats = own === undefined ? undefined : withBan(own);
    if (stats !== undefined) known.set(SUBJECT, stats);
    const words = weighed(
      reports.map(({ age_ms, known: _known, ...report }) => ({ ...report, saidMs: NOW_MS - age_ms })),
      known as Map<NodeId, PeerStats>,
    );
    expect([words.good, words.bad]).toEqual([expect.closeTo(wanted.good, 6), expect.closeTo(wanted.bad, 6)]);
    expect(words.isShunned).toBe(wanted.shunned);
    expect(standingOf({ stats, words, verdicts: undefined, nowMs: NOW_MS }).word).toBe(wanted.word);
  });
});

const counts = { ok: fc.nat(1000), slow: fc.nat(1000), stalled: fc.nat(1000), corrupt: fc.nat(1000) };
const reporter = fc.nat(30).map((number) => `node-${number}` as NodeId);
const saidMs = fc.integer({ min: NOW_MS - 30 * HOUR_MS, max: NOW_MS + HOUR_MS });
const report: fc.Arbitrary<PeerReport> = fc.record({ reporter, saidMs, ...counts });
const reports = fc.uniqueArray(report, { selector: (one) => one.reporter, maxLength: 30 });
const stats: fc.Arbitrary<PeerStats> = fc.record({
  successes: fc.nat(50),
  failures: fc.nat(50),
  corruptions: fc.nat(2),
  bannedUntilMs: fc.constantFrom(undefined, NOW_MS - 1, NOW_MS + 1),
});
const known = fc.array(fc.tuple(reporter, stats), { maxLength: 30 }).map((pairs) => new Map(pairs));
const NEW = 'newcomer' as NodeId;

function asSaid(change: Partial<PeerReport>): PeerReport {
  return { reporter: NEW, saidMs: NOW_MS, ok: 0, slow: 0, stalled: 0, corrupt: 0, ...change };
}

describe('words of others', () => {
  test('weigh at most 2 together, and are never negative', () => {
    fc.assert(
      fc.property(reports, known, (all, others) => {
        const { good, bad } = weighed(all, others);
        expect(good).toBeGreaterThanOrEqual(0);
        expect(bad).toBeGreaterThanOrEqual(0);
        expect(good + bad).toBeLessThanOrEqual(2 + 1e-9);
      }),
    );
  });

  test('of one reporter move a chance by at most 0.1, of a stranger by at most 0.024', () => {
    const newcomer = fc.option(stats, { nil: undefined });
    fc.assert(
      fc.property(reports, known, newcomer, stats, fc.record(counts), (all, others, trusted, own, said) => {
        if (trusted !== undefined) others.set(NEW, trusted);
        const before = successChance(own, weighed(all, others));
        const after = successChance(own, weighed([...all, asSaid(said)], others));
        expect(Math.abs(after - before)).toBeLessThanOrEqual(trusted === undefined ? 0.024 : 0.1 + 1e-9);
      }),
    );
  });

  test('are monotonic: praise never lowers, blame never raises', () => {
    fc.assert(
      fc.property(reports, known, stats, fc.integer({ min: 1, max: 1000 }), (all, others, own, count) => {
        const before = weighed(all, others);
        const praised = weighed([...all, asSaid({ ok: count })], others);
        const blames = [{ corrupt: count }, { stalled: count }, { slow: count }].map(asSaid);
        const blamed = blames.map((blame) => weighed([...all, blame], others));
        expect(successChance(own, praised)).toBeGreaterThanOrEqual(successChance(own, before) - 1e-12);
        expect(praised.isShunned && !before.isShunned).toBe(false);
        for (const words of blamed) {
          expect(successChance(own, words)).toBeLessThanOrEqual(successChance(own, before) + 1e-12);
          expect(before.isShunned && !words.isShunned).toBe(false);
        }
      }),
    );
  });

  test('are forgotten after a day', () => {
    fc.assert(
      fc.property(reports, known, (all, others) => {
        const old = all.map((one) => ({ ...one, saidMs: NOW_MS - 24 * HOUR_MS }));
        expect(weighed(old, others)).toEqual({ good: 0, bad: 0, isShunned: false, reporters: 0, corruptReporters: 0 });
      }),
    );
  });

  test('on oneself do not count', () => {
    fc.assert(
      fc.property(reports, known, fc.record(counts), (all, others, said) => {
        expect(weighed([...all, asSaid({ ...said, reporter: SUBJECT })], others)).toEqual(weighed(all, others));
      }),
    );
  });

  test('a second record of one reporter takes the place of the first', () => {
    const [blame, praise] = [asSaid({ corrupt: 9, saidMs: NOW_MS - 1 }), asSaid({ ok: 9 })];
    for (const said of [
      [blame, praise],
      [praise, blame],
    ])
      expect(weighed(said)).toEqual(weighed([praise]));
  });
});

describe('liars', () => {
  const trustedLiars = new Map(
    Array.from({ length: 30 }, (_, number): [NodeId, PeerStats] => [
      `node-${number}` as NodeId,
      { successes: 1000, failures: 0, corruptions: 0 },
    ]),
  );

  test('however many and however trusted, never put who served us well behind who failed us', () => {
    fc.assert(
      fc.property(
        reports,
        reports,
        fc.integer({ min: 3, max: 50 }),
        fc.integer({ min: 2, max: 50 }),
        (a, b, served, failed) => {
          const good: PeerStats = { successes: served, failures: 0, corruptions: 0 };
          const bad: PeerStats = { successes: 0, failures: failed, corruptions: 0 };
          const chances = [successChance(good, weighed(a, trustedLiars)), successChance(bad, weighed(b, trustedLiars))];
          expect(chances[0]).toBeGreaterThan(chances[1] as number);
        },
      ),
    );
  });

  test('that together have less strength than the truthful do not turn the order of two strangers', () => {
    fc.assert(
      fc.property(fc.nat(15), fc.integer({ min: 1, max: 15 }), known, (liarCount, more, others) => {
        const names = Array.from({ length: 2 * liarCount + more }, (_, number) => `node-${number}` as NodeId);
        const tell = (who: readonly NodeId[], isPraise: boolean) =>
          who.map((name) => asSaid({ reporter: name, ...(isPraise ? { ok: 1000 } : { corrupt: 250 }) }));
        const [liars, honest] = [names.slice(0, liarCount), names.slice(liarCount)];
        const strengthOf = (who: readonly NodeId[]) =>
          who.reduce((sum, name) => sum + weighed(tell([name], true), others).good, 0);
        fc.pre(strengthOf(liars) < strengthOf(honest) - 1e-6);
        const ofGood = weighed([...tell(liars, false), ...tell(honest, true)], others);
        const ofBad = weighed([...tell(liars, true), ...tell(honest, false)], others);
        expect(successChance(undefined, ofGood)).toBeGreaterThan(successChance(undefined, ofBad));
      }),
    );
  });

  test('fewer than three in good standing shun nobody, nor does any number of strangers', () => {
    const blame = (count: number) =>
      Array.from({ length: count }, (_, number) => asSaid({ reporter: `node-${number}` as NodeId, corrupt: 1000 }));
    expect(weighed(blame(30)).isShunned).toBe(false);
    expect(weighed(blame(2), trustedLiars).isShunned).toBe(false);
    expect(weighed(blame(3), trustedLiars).isShunned).toBe(true);
  });

  test('do not shun who served us once, nor whom as many vouch for', () => {
    const named = (first: number, said: Partial<PeerReport>) =>
      [0, 1, 2].map((number) => asSaid({ reporter: `node-${first + number}` as NodeId, ...said }));
    const blame = named(0, { corrupt: 5 });
    const own = new Map(trustedLiars).set(SUBJECT, { successes: 1, failures: 9, corruptions: 0 });
    expect(weighed(blame, own).isShunned).toBe(false);
    expect(weighed([...blame, ...named(3, { ok: 1 })], trustedLiars).isShunned).toBe(false);
  });
});

describe('rankPeers() by what others say', () => {
  const [A, B] = ['a', 'b'] as NodeId[] as [NodeId, NodeId];
  const words = (change: Partial<PeerWords>): PeerWords => ({
    ...{ good: 0, bad: 0, isShunned: false, reporters: 1, corruptReporters: 0 },
    ...change,
  });
  const rank = (told: Record<string, PeerWords>, preferredNodeId?: NodeId) =>
    rankPeers(
      [
        { nodeId: A, path: 'lan' },
        { nodeId: B, path: 'lan' },
      ],
      { sizeBytes: 1e9, nowMs: NOW_MS, preferredNodeId, statsOf: () => undefined, wordsOf: (id) => told[id] },
    ).map(({ nodeId }) => nodeId);

  test('puts of two strangers the one of bad name behind', () => {
    expect([rank({}), rank({ a: words({ bad: 0.1 }) })]).toEqual([
      [A, B],
      [B, A],
    ]);
  });

  test('leaves out who is shunned, unless nobody else is left', () => {
    const shunned = words({ bad: 2, isShunned: true });
    expect(rank({ a: shunned })).toEqual([B]);
    expect(rank({ a: shunned }, A)).toEqual([B]);
    expect(rank({ a: shunned, b: words({ bad: 1, isShunned: true }) })).toEqual([B, A]);
  });
});
