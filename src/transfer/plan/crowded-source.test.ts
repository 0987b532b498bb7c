import { describe, expect, it } from 'vitest';
import { TRANSFER_LIMITS } from '../limits.ts';
import { bitsOf, Plan, range } from './plan.fixture.ts';
import type { PlanCommand, ReadCommand } from './plan-events.ts';

const reads = (commands: readonly PlanCommand[]): ReadCommand[] => commands.filter((command) => command.do === 'read');

/** A plan with a partial source that holds these pieces, its lane open. */
function asking(pieceCount: number, holds: readonly number[]): { plan: Plan; first: ReadCommand } {
  const plan = new Plan(pieceCount);
  plan.tell({ on: 'source_added', sourceId: 'a', lanes: 1, expectedRate: 0, follows: true });
  const bits = bitsOf(pieceCount, holds);
  const [first] = reads(plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'holds', bits } }));
  plan.tell({ on: 'lane_opened', laneId: 1, roundTripMs: 1, depth: 8 });
  return { plan, first: first as ReadCommand };
}

function addPartial(plan: Plan, sourceId: string, bits: Uint8Array): readonly PlanCommand[] {
  plan.tell({ on: 'source_added', sourceId, lanes: 1, expectedRate: 0, follows: true });
  return plan.tell({ on: 'pieces_news', sourceId, news: { news: 'holds', bits } });
}

describe('a source without room for a request', () => {
  it('is asked again on the same lane when it said, and others are asked for the piece meanwhile', () => {
    const { plan, first } = asking(4, [2]);
    expect(plan.tell({ on: 'run_refused', laneId: first.laneId, retryAfterMs: 2_000 })).toEqual([]);
    expect(plan.tickTo(1_500)).toEqual([]);
    const again = plan.tickTo(3_000);
    expect(again).toEqual([{ do: 'read', laneId: first.laneId, sourceId: 'a', first: 2, end: 3 }]);
    plan.tell({ on: 'run_refused', laneId: first.laneId, retryAfterMs: 2_000 });
    expect(addPartial(plan, 'b', bitsOf(4, [2]))).toMatchObject([{ do: 'read', sourceId: 'b', first: 2, end: 3 }]);
  });

  it('goes on with what was asked behind', () => {
    const { plan, first } = asking(40, range(39));
    const done = plan.tell({ on: 'piece_done', laneId: 1, index: first.first });
    const [second, third] = reads([...done, ...plan.tell({ on: 'run_done', laneId: 1 })]);
    if (second === undefined || third === undefined) throw new Error('it did not ask ahead');
    plan.tell({ on: 'run_refused', laneId: 1, retryAfterMs: 300 });
    // As it is being answered it has room; what was refused may be asked for again, what has come may not.
    const later = [...plan.tell({ on: 'piece_done', laneId: 1, index: third.first }), ...plan.tickTo(1_000)];
    expect(reads(later).length).toBeGreaterThan(0);
    expect(reads(later).some(({ first: piece }) => piece === third.first)).toBe(false);
  });

  it('has not failed, until it has had room for nothing for long', () => {
    const { plan } = asking(4, [2]);
    plan.tell({ on: 'run_refused', laneId: 1, retryAfterMs: 0 });
    let asked = 0;
    for (let atMs = 500; atMs < TRANSFER_LIMITS.busyPatienceMs + 20_000; atMs += 500) {
      const found = reads(plan.tickTo(atMs));
      if (found.length === 0) continue;
      asked += 1;
      if (atMs < TRANSFER_LIMITS.busyPatienceMs) expect(found[0]?.laneId).toBe(1);
      plan.tell({ on: 'run_refused', laneId: 1, retryAfterMs: 0 });
    }
    // Every half second to second, not doubling, and not at once though it said so.
    expect(asked).toBeGreaterThan(30);
    expect(asked).toBeLessThan(110);
  });
});

describe('a source that has everything', () => {
  const follow = (plan: Plan): void => {
    plan.tell({ on: 'source_added', sourceId: 'a', lanes: 1, expectedRate: 0, follows: true });
  };

  it('is asked for nothing before it told who else asks it, for a moment', () => {
    const plan = new Plan(500);
    follow(plan);
    expect(plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'holds_all' } })).toEqual([]);
    const told = plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'others', count: 3 } });
    expect(told).toMatchObject([{ do: 'read', sourceId: 'a' }]);
    const silent = new Plan(500);
    follow(silent);
    silent.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'holds_all' } });
    expect(silent.tickTo(500)).toMatchObject([{ do: 'read', sourceId: 'a', first: 0, end: 16 }]);
  });

  it('is not asked for what it sent to others, for a while', () => {
    const plan = new Plan(40);
    follow(plan);
    plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'others', count: 3 } });
    plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'sent', indexes: range(40) } });
    expect(plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'holds_all' } })).toEqual([]);
    expect(plan.tickTo(TRANSFER_LIMITS.sentPatienceMs - 500)).toEqual([]);
    expect(plan.tickTo(TRANSFER_LIMITS.sentPatienceMs)).toMatchObject([{ do: 'read', sourceId: 'a' }]);
  });

  it('is asked at once for the one piece that it has not sent', () => {
    const plan = new Plan(40);
    follow(plan);
    plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'others', count: 3 } });
    plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'sent', indexes: range(40).filter((i) => i !== 7) } });
    const news = plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'holds_all' } });
    expect(news).toMatchObject([{ do: 'read', first: 7, end: 8 }]);
  });
});

describe('a plan that has as many sources as it may', () => {
  it('gives the place of one that fails again and again to a new one, and of no other', () => {
    const plan = new Plan(1000);
    const { maxSources, maxFailuresInRow } = TRANSFER_LIMITS;
    addPartial(plan, 'good', bitsOf(1000, [999]));
    plan.tell({ on: 'piece_done', laneId: 1, index: 999 });
    for (const at of range(maxSources - 1)) addPartial(plan, `s${at}`, bitsOf(1000, []));
    expect(addPartial(plan, 'late', bitsOf(1000, [7]))).toEqual([]);
    for (let failures = 0; failures < maxFailuresInRow; failures += 1) {
      plan.tell({ on: 'source_failed', sourceId: 's3', code: 'peer_unreachable' });
      plan.tickTo((failures + 1) * 60_000);
    }
    plan.tell({ on: 'source_failed', sourceId: 's3', code: 'peer_unreachable' });
    expect(addPartial(plan, 'late', bitsOf(1000, [7]))).toMatchObject([{ do: 'read', sourceId: 'late' }]);
    expect(addPartial(plan, 'later', bitsOf(1000, [8]))).toEqual([]);
  });
});
