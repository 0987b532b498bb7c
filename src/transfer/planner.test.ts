import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MiB, type Random, seededRandom } from '../core/index.ts';
import type { TransferErrorCode } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import type { PlanCommand, PlanEvent, PlanState } from './plan-state.ts';
import { planTransfer, startPlan } from './planner.ts';

/** How a simulated peer behaves: bytes a second, and what happens with a given chance at a piece. */
interface Peer {
  readonly rate: number;
  readonly lanes: number;
  readonly dieChance: number;
  readonly corruptChance: number;
  readonly stallChance: number;
}

interface SimLane {
  readonly source: number;
  next: number;
  end: number;
  bytes: number;
  received: number;
  isStalled: boolean;
  isIdle: boolean;
}

const STEP_MS = 100;

/** Runs the shipping planner against simulated lanes; throws where an invariant is broken. */
class Simulation {
  state: PlanState;
  nowMs = 0;
  ended: 'complete' | 'fail' | undefined;
  asked = 0;
  readonly got: Set<number> = new Set();
  readonly #lanes = new Map<number, SimLane>();
  readonly #dropped = new Set<string>();
  readonly #peers: readonly Peer[];
  readonly #random: Random;
  readonly #events: PlanEvent[] = [];

  constructor(pieceCount: number, peers: readonly Peer[], seed: number) {
    this.#peers = peers;
    this.#random = seededRandom(seed);
    const missing = [{ first: 0, end: pieceCount }];
    this.state = startPlan({ pieceCount, pieceBytes: MiB, missing, nowMs: 0 });
    peers.forEach((peer, index) => {
      this.#events.push({ on: 'source_added', sourceId: String(index), lanes: peer.lanes, expectedRate: 0 });
    });
    this.#drain();
  }

  run(maxMs: number): void {
    let sinceTickMs = 0;
    while (this.ended === undefined && this.nowMs < maxMs) {
      this.nowMs += STEP_MS;
      for (const [id, lane] of this.#lanes) this.#move(id, lane);
      sinceTickMs += STEP_MS;
      if (sinceTickMs >= TRANSFER_LIMITS.tickMs) {
        sinceTickMs = 0;
        this.#tell({ on: 'tick', received: new Map([...this.#lanes].map(([id, lane]) => [id, lane.received])) });
        for (const lane of this.#lanes.values()) lane.received = 0;
      }
    }
  }

  #move(id: number, lane: SimLane): void {
    const peer = this.#peers[lane.source];
    if (peer === undefined || lane.isIdle || lane.isStalled) return;
    const budget = (peer.rate * STEP_MS) / 1000;
    lane.bytes += budget;
    lane.received += budget;
    while (lane.bytes >= MiB && lane.next < lane.end && this.#lanes.has(id) && !lane.isStalled)
      this.#piece(id, lane, peer);
  }

  #piece(id: number, lane: SimLane, peer: Peer): void {
    const chance = this.#random.next();
    const [corrupt, dead] = [peer.corruptChance, peer.corruptChance + peer.dieChance];
    if (chance < corrupt) this.#lose(id, 'bad_piece');
    else if (chance < dead) this.#lose(id, 'peer_unreachable');
    else if (chance < dead + peer.stallChance) lane.isStalled = true;
    else this.#receive(id, lane);
  }

  #receive(id: number, lane: SimLane): void {
    if (this.got.has(lane.next)) throw new Error(`piece ${lane.next} came twice`);
    this.got.add(lane.next);
    lane.next += 1;
    lane.bytes -= MiB;
    this.#tell({ on: 'piece_done', laneId: id });
    if (lane.next < lane.end) return;
    lane.isIdle = true;
    lane.bytes = 0;
    this.#tell({ on: 'run_done', laneId: id });
  }

  #lose(id: number, code: TransferErrorCode): void {
    const lane = this.#lanes.get(id);
    this.#lanes.delete(id);
    if (code === 'bad_piece' && lane !== undefined) this.#dropped.add(String(lane.source));
    this.#tell({ on: 'lane_failed', laneId: id, code });
  }

  #tell(event: PlanEvent): void {
    this.#events.push(event);
    this.#drain();
  }

  #drain(): void {
    for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
      const before = JSON.stringify([this.state.missing, [...this.state.lanes]]);
      const old = this.state;
      const step = planTransfer(old, event, this.nowMs, this.#random);
      expect(JSON.stringify([old.missing, [...old.lanes]])).toBe(before);
      this.state = step.state;
      for (const command of step.commands) this.#obey(command);
      this.#checkOwners();
    }
  }

  #obey(command: PlanCommand): void {
    if (command.do === 'complete' || command.do === 'fail') this.ended = command.do;
    if (command.do === 'shorten') this.#shorten(command.laneId, command.end);
    if (command.do === 'close') this.#close(command.laneId, command.because);
    if (command.do === 'read') this.#read(command);
  }

  #read(command: Extract<PlanCommand, { do: 'read' }>): void {
    if (this.#dropped.has(command.sourceId)) throw new Error('asked a peer that was dropped');
    if (command.end <= command.first) throw new Error('asked for nothing');
    const source = Number(command.sourceId);
    this.asked += command.end - command.first;
    const idle = { bytes: 0, received: 0, isStalled: false, isIdle: false };
    this.#lanes.set(command.laneId, { source, next: command.first, end: command.end, ...idle });
    const open = [...this.#lanes.values()].filter((lane) => lane.source === source).length;
    if (open > (this.#peers[source]?.lanes ?? 0)) throw new Error('more lanes than allowed');
  }

  #shorten(laneId: number, end: number): void {
    const lane = this.#lanes.get(laneId);
    if (lane === undefined || lane.isIdle || end <= lane.next) throw new Error('shortened below what is under way');
    this.asked -= lane.end - end;
    lane.end = end;
  }

  #close(laneId: number, because: string): void {
    this.#lanes.delete(laneId);
    if (because === 'peer_stalled') this.#events.push({ on: 'lane_failed', laneId, code: 'peer_stalled' });
    else this.#events.push({ on: 'lane_closed', laneId });
  }

  /** Every piece that is not here is in `missing` or in exactly one run. */
  #checkOwners(): void {
    const runs = [...this.state.lanes.values()].flatMap((lane) => (lane.run === undefined ? [] : [lane.run]));
    const spans = [...runs.map(({ next, end }) => ({ first: next, end })), ...this.state.missing];
    const owned = spans.flatMap(({ first, end }) => Array.from({ length: end - first }, (_, index) => first + index));
    if (new Set(owned).size !== owned.length) throw new Error('a piece has two owners');
    if (owned.some((index) => this.got.has(index))) throw new Error('a piece that is here is asked again');
    if (owned.length !== this.state.left) throw new Error(`${this.state.left} left, ${owned.length} owned`);
  }
}

const peerArbitrary = fc.record({
  rate: fc.integer({ min: MiB / 4, max: 200 * MiB }),
  lanes: fc.integer({ min: 1, max: 3 }),
  dieChance: fc.constantFrom(0, 0, 0.05),
  corruptChance: fc.constantFrom(0, 0, 0.05),
  stallChance: fc.constantFrom(0, 0, 0.02),
});
const steady = { rate: 20 * MiB, lanes: 1, dieChance: 0, corruptChance: 0, stallChance: 0 };

describe('planTransfer()', () => {
  it('completes whenever one steady peer is among them, whatever the others do', () => {
    const pieces = fc.integer({ min: 1, max: 120 });
    fc.assert(
      fc.property(pieces, fc.array(peerArbitrary, { maxLength: 5 }), fc.integer(), (pieceCount, others, seed) => {
        const simulation = new Simulation(pieceCount, [...others, steady], seed);
        simulation.run(600_000);
        expect(simulation.ended).toBe('complete');
        expect(simulation.got.size).toBe(pieceCount);
      }),
      { numRuns: 150 },
    );
  });

  it('ends one way or the other when every peer is unreliable', () => {
    fc.assert(
      fc.property(fc.array(peerArbitrary, { minLength: 1, maxLength: 4 }), fc.integer(), (peers, seed) => {
        const simulation = new Simulation(60, peers, seed);
        simulation.run(3_600_000);
        expect(simulation.ended).toBeDefined();
        expect(simulation.ended === 'complete').toBe(simulation.got.size === 60);
      }),
      { numRuns: 100 },
    );
  });

  it('asks little twice: at most one piece for each time work was taken from a slow peer', () => {
    const rates = fc.array(fc.integer({ min: MiB / 2, max: 100 * MiB }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(rates, fc.integer(), (all, seed) => {
        const simulation = new Simulation(
          200,
          all.map((rate) => ({ ...steady, rate })),
          seed,
        );
        simulation.run(3_600_000);
        expect(simulation.ended).toBe('complete');
        expect(simulation.asked).toBeLessThanOrEqual(200 + 2 * all.length);
      }),
      { numRuns: 100 },
    );
  });

  it('takes at most 1.1 times as long with a peer at 1 % among three good ones as without it, and a second', () => {
    const timeWith = (peers: readonly Peer[]): number => {
      const simulation = new Simulation(1000, peers, 7);
      simulation.run(600_000);
      return simulation.nowMs;
    };
    const good = [steady, steady, steady];
    expect(timeWith([{ ...steady, rate: steady.rate / 100 }, ...good])).toBeLessThan(timeWith(good) * 1.1 + 1000);
  });

  it('fails at once without any source', () => {
    const state = startPlan({ pieceCount: 1, pieceBytes: MiB, missing: [{ first: 0, end: 1 }], nowMs: 0 });
    const step = planTransfer(state, { on: 'tick', received: new Map() }, 0, seededRandom(1));
    expect(step.commands).toEqual([{ do: 'fail' }]);
  });

  it('gives a silent lane up after the stall time and waits as long as a busy peer asks', () => {
    const random = seededRandom(1);
    let { state } = planTransfer(
      startPlan({ pieceCount: 4, pieceBytes: MiB, missing: [{ first: 0, end: 4 }], nowMs: 0 }),
      { on: 'source_added', sourceId: 'a', lanes: 1, expectedRate: 0 },
      0,
      random,
    );
    const tickAt = (nowMs: number) => planTransfer(state, { on: 'tick', received: new Map() }, nowMs, random);
    expect(tickAt(TRANSFER_LIMITS.stallMs - 1).commands).toEqual([]);
    expect(tickAt(TRANSFER_LIMITS.stallMs).commands).toEqual([{ do: 'close', laneId: 1, because: 'peer_stalled' }]);
    ({ state } = planTransfer(
      state,
      { on: 'lane_failed', laneId: 1, code: 'peer_busy', retryAfterMs: 30_000 },
      0,
      random,
    ));
    expect(tickAt(29_999).commands).toEqual([]);
    expect(tickAt(30_000).commands).toEqual([{ do: 'read', laneId: 2, sourceId: 'a', first: 0, end: 4 }]);
  });
});
