import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NodeId } from '../core/index.ts';
import type { SourceOutcome } from '../transfer/index.ts';
import { judgeSources, type Verdict } from './judge-sources.ts';
import { NODE_LIMITS } from './limits.ts';
import { addVerdict, planTelling, type Tally, type Told, urgencyOf } from './outcome-tally.ts';

const NOW_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const id = (number: number) => `node-${number}` as NodeId;

function outcome(change: Partial<SourceOutcome>): SourceOutcome {
  const nothing = { bytes: 0, pieces: 0, failures: [], isCorrupt: false };
  return { id: 'a', nodeId: id(0), ...nothing, firstByteMs: undefined, rateBytesPerSecond: undefined, ...change };
}

function tally(change: Partial<Tally>): Tally {
  return { ok: 0, slow: 0, stalled: 0, corrupt: 0, bytes: 0, startMs: NOW_MS, lastMs: NOW_MS, ...change };
}

describe('judgeSources()', () => {
  test.each<[string, Partial<SourceOutcome>, string | undefined]>([
    ['bytes came', { bytes: 1 }, 'ok'],
    ['bytes came, and some were wrong', { bytes: 1, isCorrupt: true, failures: ['bad_piece'] }, 'corrupt'],
    ['bytes came, and it stalled', { bytes: 1, failures: ['peer_stalled'] }, 'slow'],
    ['it stalled and gave nothing', { failures: ['peer_unreachable', 'peer_stalled'] }, 'stalled'],
    ['it was not reached', { failures: ['peer_unreachable'] }, undefined],
    ['it was busy', { failures: ['peer_busy', 'peer_busy'] }, undefined],
    ['it was not asked', {}, undefined],
    ['it has no node id', { nodeId: undefined, bytes: 1 }, undefined],
    ['it gave less than an eighth of the fastest', { bytes: 1, rateBytesPerSecond: 1e6 }, 'slow'],
    ['it gave an eighth of the fastest', { bytes: 1, rateBytesPerSecond: 1.25e6 }, 'ok'],
  ])('%s', (_, change, verdict) => {
    const fastest = outcome({ nodeId: id(9), bytes: 1, rateBytesPerSecond: 1e7 });
    const found = judgeSources([outcome(change), fastest]).find(({ nodeId }) => nodeId === id(0));
    expect(found?.verdict).toBe(verdict);
  });
});

describe('addVerdict()', () => {
  const ok: Verdict = { nodeId: id(0), verdict: 'ok', bytes: 10 };

  test('counts within a day, and begins again after it', () => {
    const one = addVerdict(undefined, ok, NOW_MS);
    const two = addVerdict(one, { ...ok, verdict: 'corrupt' }, NOW_MS + 1);
    expect(two).toMatchObject({ ok: 1, corrupt: 1, bytes: 20, startMs: NOW_MS, lastMs: NOW_MS + 1 });
    expect(addVerdict(two, ok, NOW_MS + 24 * HOUR_MS)).toMatchObject({ ok: 1, corrupt: 0, bytes: 10 });
  });

  test('begins again when the clock went back behind its beginning', () => {
    expect(addVerdict(tally({ ok: 7 }), ok, NOW_MS - 1)).toMatchObject({ ok: 1, startMs: NOW_MS - 1 });
  });

  test('stays at its bound', () => {
    expect(addVerdict(tally({ ok: 1000 }), ok, NOW_MS).ok).toBe(1000);
  });
});

describe('urgencyOf()', () => {
  const toldOf = (change: Partial<Tally>, ageMs = 0): Told => ({ tally: tally(change), atMs: NOW_MS - ageMs });

  test.each<[string, Partial<Tally>, Told | undefined, number]>([
    ['the first good word', { ok: 1 }, undefined, 1],
    ['the first bad word', { corrupt: 1 }, undefined, 3],
    ['one more corruption', { ok: 9, corrupt: 2 }, toldOf({ ok: 9, corrupt: 1 }), 3],
    ['one more success of ten', { ok: 10 }, toldOf({ ok: 9 }), 0],
    ['twice as many successes', { ok: 18 }, toldOf({ ok: 9 }), 2],
    ['nothing new for a long time', { ok: 9, lastMs: NOW_MS - 13 * HOUR_MS }, toldOf({ ok: 9 }, 12 * HOUR_MS), 0],
    ['little new after a long time', { ok: 10 }, toldOf({ ok: 9 }, 12 * HOUR_MS), 1],
  ])('%s', (_, now, told, urgency) => {
    expect(urgencyOf(tally(now), told, NOW_MS)).toBe(urgency);
  });
});

describe('planTelling()', () => {
  test('tells the worst first, eight in a minute, the rest when a minute is over', () => {
    const tallies = new Map(
      Array.from({ length: 20 }, (_, n): [NodeId, Tally] => [id(n), tally(n >= 15 ? { corrupt: 1 } : { ok: 1 })]),
    );
    const plan = planTelling(tallies, new Map(), NOW_MS);
    expect(plan.now).toHaveLength(8);
    expect(plan.now.slice(0, 5)).toEqual([15, 16, 17, 18, 19].map(id));
    expect(plan.nextMs).toBe(NOW_MS + 60_000);
  });

  test('has no more subjects than it may, with room kept for bad news', () => {
    const told = new Map(
      Array.from({ length: 48 }, (_, n): [NodeId, Told] => [id(n), { tally: tally({ ok: 1 }), atMs: 0 }]),
    );
    const plan = planTelling(
      new Map([
        [id(100), tally({ ok: 1 })],
        [id(101), tally({ corrupt: 1 })],
      ]),
      told,
      NOW_MS,
    );
    expect(plan).toEqual({ now: [id(101)], nextMs: undefined });
  });

  test('over any course of verdicts keeps its bounds, and has told of every corruption in the end', async () => {
    const step = fc.record({
      subject: fc.nat(40).map(id),
      verdict: fc.constantFrom('ok' as const, 'slow' as const, 'stalled' as const, 'corrupt' as const),
      waitMs: fc.nat(90_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const tallies = new Map<NodeId, Tally>();
        const told = new Map<NodeId, Told>();
        const times: { subject: NodeId; atMs: number }[] = [];
        let nowMs = NOW_MS;
        const tell = (): number | undefined => {
          const { now, nextMs } = planTelling(tallies, told, nowMs);
          for (const subject of now) {
            told.set(subject, { tally: tallies.get(subject) as Tally, atMs: nowMs });
            times.push({ subject, atMs: nowMs });
          }
          return nextMs;
        };
        for (const { subject, verdict, waitMs } of steps) {
          nowMs += waitMs;
          tallies.set(subject, addVerdict(tallies.get(subject), { nodeId: subject, verdict, bytes: 1 }, nowMs));
          tell();
        }
        for (let next = tell(); next !== undefined; next = tell()) nowMs = Math.max(nowMs + 1, next);
        expect(told.size).toBeLessThanOrEqual(NODE_LIMITS.outcomeSubjects);
        for (const { subject, atMs } of times) {
          const minute = times.filter((one) => one.atMs >= atMs && one.atMs < atMs + 60_000);
          expect(minute.length).toBeLessThanOrEqual(8);
          expect(minute.filter((one) => one.subject === subject)).toHaveLength(1);
        }
        for (const [subject, { corrupt }] of tallies) expect(told.get(subject)?.tally.corrupt ?? 0).toBe(corrupt);
      }),
      { numRuns: 60 },
    );
  });
});
