import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KiB, MiB } from '../../core/index.ts';
import { TRANSFER_LIMITS } from '../limits.ts';
import { bitsOf, Plan, range } from './plan.fixture.ts';
import type { PlanCommand, ReadCommand } from './plan-events.ts';
import { PlannedSwarm, type SwarmPeer } from './planned-swarm.fixture.ts';

const peerArbitrary = fc.record({
  rate: fc.integer({ min: MiB / 4, max: 200 * MiB }),
  lanes: fc.integer({ min: 1, max: 3 }),
  depth: fc.constantFrom(1, 2, 8),
  roundTripMs: fc.constantFrom(0, 50, 200),
  dieChance: fc.constantFrom(0, 0, 0.05),
  corruptChance: fc.constantFrom(0, 0, 0.05),
  stallChance: fc.constantFrom(0, 0, 0.02),
  refuseChance: fc.constantFrom(0, 0, 0.5),
});
const steady: SwarmPeer = { rate: 20 * MiB };

/** Partial peers; the first one holds what the others lack, in the end. */
const swarmArbitrary = fc
  .tuple(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 6 }))
  .chain(([pieces, peers]) =>
    fc
      .array(fc.record({ behaviour: peerArbitrary, holds: fc.uniqueArray(fc.nat(pieces - 1)) }), {
        minLength: peers,
        maxLength: peers,
      })
      .map((drawn) => {
        const held = new Set(drawn.flatMap(({ holds }) => holds));
        const rest = Array.from({ length: pieces }, (_, index) => index).filter((index) => !held.has(index));
        const others = drawn.map(({ behaviour, holds }) => ({ ...behaviour, corruptChance: 0, dieChance: 0, holds }));
        return { pieces, peers: [{ ...steady, holds: rest, gainEveryMs: 1000 }, ...others] };
      }),
  );

describe('planTransfer()', () => {
  it('completes whenever one steady peer is among them, whatever the others do', () => {
    const pieces = fc.integer({ min: 1, max: 100 });
    fc.assert(
      fc.property(pieces, fc.array(peerArbitrary, { maxLength: 5 }), fc.integer(), (pieceCount, others, seed) => {
        const swarm = new PlannedSwarm(pieceCount, [...others, steady], seed).run(600_000);
        expect(swarm.ended).toBe('complete');
        expect(swarm.got.size).toBe(pieceCount);
      }),
      { numRuns: 100 },
    );
  });

  it('completes from peers that hold parts, whenever together they hold all, and never asks one for what it lacks', () => {
    fc.assert(
      fc.property(swarmArbitrary, fc.integer(), ({ pieces, peers }, seed) => {
        const swarm = new PlannedSwarm(pieces, peers, seed).run(900_000);
        expect(swarm.ended).toBe('complete');
        expect(swarm.got.size).toBe(pieces);
      }),
      { numRuns: 100 },
    );
  });

  it('ends one way or the other when every peer is unreliable', () => {
    fc.assert(
      fc.property(fc.array(peerArbitrary, { minLength: 1, maxLength: 4 }), fc.integer(), (peers, seed) => {
        const swarm = new PlannedSwarm(40, peers, seed).run(7_200_000);
        expect(swarm.ended).toBeDefined();
        expect(swarm.ended === 'complete').toBe(swarm.got.size === 40);
      }),
      { numRuns: 50 },
    );
  });

  it('asks whom the user prefers first, and others when it fails or has had its second', () => {
    const open = (): Plan => {
      const plan = new Plan(64);
      plan.tell({
        on: 'source_added',
        sourceId: 'preferred',
        lanes: 1,
        expectedRate: 0,
        isPreferred: true,
        follows: true,
      });
      plan.tell({ on: 'source_added', sourceId: 'other', lanes: 1, expectedRate: 9 * MiB });
      return plan;
    };
    const asked = (commands: readonly PlanCommand[]) =>
      commands.flatMap((one) => (one.do === 'read' ? one.sourceId : []));
    const patient = open();
    expect(asked(patient.tickTo(500))).toEqual([]);
    expect(asked(patient.tickTo(1000))).toContain('other');
    const failing = open();
    expect(asked(failing.tell({ on: 'source_failed', sourceId: 'preferred', code: 'not_held' }))).toEqual(['other']);
  });

  it('takes a piece over at most twice, and asks no further ahead than a lane is deep', () => {
    fc.assert(
      fc.property(fc.array(peerArbitrary, { minLength: 2, maxLength: 5 }), fc.integer(), (peers, seed) => {
        const swarm = new PlannedSwarm(150, [...peers, steady], seed).run(900_000);
        expect(Math.max(0, ...swarm.takenOver.values())).toBeLessThanOrEqual(TRANSFER_LIMITS.maxTakeOvers);
        expect(swarm.mostRunsOfALane).toBeLessThanOrEqual(TRANSFER_LIMITS.laneDepth);
        expect(swarm.mostLanes).toBeLessThanOrEqual(peers.length * 3 + 1);
      }),
      { numRuns: 50 },
    );
  });

  it('does the same again for the same events and the same chance', () => {
    fc.assert(
      fc.property(swarmArbitrary, fc.integer(), ({ pieces, peers }, seed) => {
        const run = (): readonly string[] => new PlannedSwarm(pieces, peers, seed).run(300_000).log;
        expect(run()).toEqual(run());
      }),
      { numRuns: 25 },
    );
  });

  it('takes at most 1.1 times as long with a peer at 1 % among three good ones as without it', () => {
    const timeWith = (peers: readonly SwarmPeer[], seed: number): number =>
      new PlannedSwarm(1000, peers, seed).run(600_000).nowMs;
    const good = [steady, steady, steady];
    for (const seed of [1, 2, 3]) {
      const slow = { ...steady, rate: steady.rate / 100 };
      expect(timeWith([slow, ...good], seed)).toBeLessThan(timeWith(good, seed) * 1.1);
    }
  });

  it('does not let one far slower peer hold the whole digest up', () => {
    for (const seed of range(5)) {
      const swarm = new PlannedSwarm(400, [{ rate: 20 * KiB }, steady, steady], seed).run(5_000);
      const behind = Math.max(...swarm.got) - range(400).findIndex((index) => !swarm.got.has(index));
      expect(swarm.got.size).toBeGreaterThan(100);
      expect(behind).toBeLessThan(100);
      expect(Math.max(...swarm.takenOver.values())).toBe(1);
      expect(swarm.run(60_000).ended).toBe('complete');
    }
  });

  it('leaves a slow peer its piece where that comes before the end anyway', () => {
    const swarm = new PlannedSwarm(4000, [{ rate: MiB / 4 }, steady], 1).run(30_000);
    expect(swarm.takenOver.size).toBe(0);
    expect(swarm.gotFrom[0]).toBeGreaterThan(3);
  });

  it('keeps a far peer as busy as a near one by asking ahead', () => {
    const timeAt = (roundTripMs: number): number =>
      new PlannedSwarm(400, [{ ...steady, roundTripMs, holds: range(400) }], 1).run(600_000).nowMs;
    expect(timeAt(200)).toBeLessThan(timeAt(0) * 1.1 + 1_500);
  });
});

describe('planTransfer() in a swarm', () => {
  it('asks for what the source has not sent yet first, then for what is rarest', () => {
    const plan = new Plan(40);
    plan.tell({ on: 'source_added', sourceId: 'seeder', lanes: 1, expectedRate: 0, follows: true });
    plan.tell({ on: 'source_added', sourceId: 'other', lanes: 1, expectedRate: 0, follows: true });
    plan.tell({ on: 'pieces_news', sourceId: 'seeder', news: { news: 'others', count: 3 } });
    plan.tell({
      on: 'pieces_news',
      sourceId: 'seeder',
      news: { news: 'sent', indexes: range(40).filter((i) => i !== 17 && i !== 23) },
    });
    plan.tell({ on: 'pieces_news', sourceId: 'other', news: { news: 'holds', bits: bitsOf(40, [17]) } });
    const reads = plan.tell({ on: 'pieces_news', sourceId: 'seeder', news: { news: 'holds_all' } });
    expect(reads).toMatchObject([{ do: 'read', sourceId: 'seeder', first: 23, end: 24 }]);
  });

  it('begins with a piece by chance', () => {
    const firsts = new Set(
      range(20).map((seed) => {
        const plan = new Plan(1000, seed);
        plan.tell({ on: 'source_added', sourceId: 'a', lanes: 1, expectedRate: 0, follows: true });
        plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'others', count: 1 } });
        const [read] = plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'holds_all' } });
        return (read as ReadCommand).first;
      }),
    );
    expect(firsts.size).toBeGreaterThan(15);
  });

  it('cuts a long run short when others turn up', () => {
    const plan = new Plan(100);
    expect(plan.tell({ on: 'source_added', sourceId: 'a', lanes: 1, expectedRate: 0 })).toMatchObject([
      { do: 'read', first: 0, end: 16 },
    ]);
    plan.tell({ on: 'lane_opened', laneId: 1, roundTripMs: 1, depth: 8 });
    plan.tell({ on: 'source_added', sourceId: 'b', lanes: 1, expectedRate: 0, follows: true });
    const commands = plan.tell({ on: 'pieces_news', sourceId: 'b', news: { news: 'holds', bits: bitsOf(100, [70]) } });
    expect(commands).toMatchObject([
      { do: 'shorten', laneId: 1, end: 1 },
      { do: 'read', sourceId: 'b', first: 70, end: 71 },
    ]);
  });

  it('asks nothing of a source that has not told what it holds, for a second', () => {
    const plan = new Plan(10);
    expect(plan.tell({ on: 'source_added', sourceId: 'a', lanes: 1, expectedRate: 0, follows: true })).toEqual([]);
    expect(plan.tickTo(500)).toEqual([]);
    expect(plan.tickTo(1000)).toMatchObject([{ do: 'read', sourceId: 'a', first: 0 }]);
  });

  it('asks again for a piece that a partial source turned out not to have, and asks it for others', () => {
    const plan = new Plan(2);
    plan.tell({ on: 'source_added', sourceId: 'a', lanes: 1, expectedRate: 0, follows: true });
    const [read] = plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'holds', bits: bitsOf(2, [0]) } });
    expect(read).toMatchObject({ do: 'read', first: 0, end: 1 });
    plan.tell({ on: 'lane_failed', laneId: 1, code: 'not_held' });
    expect(plan.tickTo(20_000)).toEqual([]);
    expect(plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'gained', indexes: [1] } })).toMatchObject([
      { do: 'read', first: 1, end: 2 },
    ]);
  });
});

describe('planTransfer() and a range that is not there yet', () => {
  it('is no reason to give a source up, however often; one that counted as whole holds a part then', () => {
    const plan = new Plan(8);
    plan.tell({ on: 'source_added', sourceId: 'a', lanes: 1, expectedRate: 0, follows: true });
    let commands = plan.tickTo(1_000);
    // Once for the long run, then for each piece.
    for (let time = 1; time <= 9; time += 1) {
      const read = commands.find((command) => command.do === 'read') as ReadCommand;
      plan.tell({ on: 'lane_failed', laneId: read.laneId, code: 'not_held_yet' });
      commands = plan.tickTo(1_000 + time * 20_000);
    }
    expect(commands).toEqual([]);
    const [read] = plan.tell({ on: 'pieces_news', sourceId: 'a', news: { news: 'gained', indexes: [3] } });
    expect(read).toMatchObject({ do: 'read', sourceId: 'a', first: 3, end: 4 });
  });
});

describe('planTransfer() and time', () => {
  it('fails at once without any source', () => {
    const plan = new Plan(1);
    expect(plan.tickTo(0)).toEqual([{ do: 'fail' }]);
  });

  it('asks a source that is silent about what it holds for everything, unless it is known to hold a part', () => {
    const plan = new Plan(4);
    plan.tell({ on: 'source_added', sourceId: 'part', lanes: 1, expectedRate: 0, follows: true, isPartial: true });
    expect(plan.tickTo(5 * TRANSFER_LIMITS.newsWaitMs)).toEqual([]);
    plan.tell({ on: 'source_added', sourceId: 'whole', lanes: 1, expectedRate: 0, follows: true });
    const asked = plan.tickTo(plan.nowMs + 2 * TRANSFER_LIMITS.newsWaitMs);
    expect(asked.map((command) => command.do === 'read' && command.sourceId)).toEqual(['whole']);
    const news = { news: 'holds', bits: bitsOf(4, [3]) } as const;
    const told = plan.tell({ on: 'pieces_news', sourceId: 'part', news });
    expect(told).toMatchObject([{ do: 'read', sourceId: 'part', first: 3, end: 4 }]);
  });

  it('gives a silent lane up within 10 s and waits as long as a busy peer asks', () => {
    const plan = new Plan(4);
    plan.tell({ on: 'source_added', sourceId: 'a', lanes: 1, expectedRate: 0 });
    expect(plan.tickTo(TRANSFER_LIMITS.stallMs - 500)).toEqual([]);
    expect(plan.tickTo(10_000)).toEqual([{ do: 'close', laneId: 1, because: 'peer_stalled' }]);
    plan.tell({ on: 'lane_failed', laneId: 1, code: 'peer_busy', retryAfterMs: 30_000 });
    expect(plan.tickTo(39_500)).toEqual([]);
    expect(plan.tickTo(40_000)).toMatchObject([{ do: 'read', laneId: 2, sourceId: 'a', first: 0, end: 4 }]);
  });

  it('does not take its own sleep, or its own gate, for a stall', () => {
    const asleep = new Plan(4);
    asleep.tell({ on: 'source_added', sourceId: 'a', lanes: 1, expectedRate: 0 });
    asleep.nowMs = 3_600_000;
    expect(asleep.tell({ on: 'tick', received: new Map() })).toEqual([]);
    const gated = new Plan(4);
    gated.tell({ on: 'source_added', sourceId: 'a', lanes: 1, expectedRate: 0 });
    for (gated.nowMs = 0; gated.nowMs < 60_000; gated.nowMs += 500)
      expect(gated.tell({ on: 'tick', received: new Map(), held: new Set([1]) })).toEqual([]);
  });

  it('outlives a network that is away for a minute, and fails where it stays away', () => {
    const back = new PlannedSwarm(400, [{ ...steady, awayMs: [5_000, 65_000] }], 1).run(200_000);
    expect(back.ended).toBe('complete');
    expect(back.nowMs).toBeLessThan(65_000 + 35_000);
    const away = new PlannedSwarm(400, [{ ...steady, awayMs: [5_000, Number.POSITIVE_INFINITY] }], 1).run(3_600_000);
    expect(away.ended).toBe('fail');
    expect(away.nowMs).toBeLessThan(TRANSFER_LIMITS.outageMs + 60_000);
  });

  it('opens more lanes where each one is slow by itself, and not where one fills the path', () => {
    const lossy = new PlannedSwarm(100, [{ rate: 300 * KiB, linkRate: 12 * MiB, lanes: 8 }], 1).run(600_000);
    expect(lossy.mostLanes).toBe(8);
    expect(lossy.nowMs).toBeLessThan((100 * MiB * 1000) / (300 * KiB) / 4);
    const clean = new PlannedSwarm(400, [{ rate: 12 * MiB, linkRate: 12 * MiB, lanes: 8 }], 1).run(600_000);
    expect(clean.mostLanes).toBe(2);
    expect(clean.nowMs).toBeLessThan(((400 * MiB * 1000) / (12 * MiB)) * 1.05);
  });

  it('asks what costs more only for what others lack, or when they have been too slow for a while', () => {
    const [paid, near] = [{ ...steady, tier: 2 } as const, { ...steady, rate: 5 * MiB }];
    expect(new PlannedSwarm(100, [near, paid], 1).run(60_000).gotFrom).toEqual([100, 0]);
    const lacking = new PlannedSwarm(10, [{ ...near, holds: [0, 1, 2] }, paid], 1).run(60_000);
    expect(lacking.gotFrom).toEqual([3, 7]);
    const slow = new PlannedSwarm(100, [{ ...near, rate: 100 * KiB }, paid], 1).run(60_000);
    expect(slow.ended).toBe('complete');
    expect(slow.gotFrom[1]).toBeGreaterThan(90);
    const dead = new PlannedSwarm(10, [{ ...near, awayMs: [0, 600_000] }, paid], 1).run(30_000);
    expect(dead.gotFrom).toEqual([0, 10]);
  });
});
