/**
 * The shipping planner against peers in memory, for its tests: time in steps, bytes at given rates, every rule of
 * docs/spec/10-transfer.md §4 that must never break checked at each command.
 */
import { MiB, type Random, seededRandom } from '../../core/index.ts';
import type { TransferErrorCode } from '../errors.ts';
import { TRANSFER_LIMITS, type TransferLimits } from '../limits.ts';
import type { PieceNews } from '../ports.ts';
import { ASKED, HERE, MISSING } from './piece-table.ts';
import type { PlanCommand, PlanEvent, ReadCommand } from './plan-events.ts';
import type { PlanState } from './plan-state.ts';
import { planTransfer, startPlan } from './planner.ts';

/** How a peer behaves: bytes a second of a lane, and what happens with a given chance at a piece. */
export interface SwarmPeer {
  /** Of one lane. */
  readonly rate: number;
  /** Of all lanes together. */
  readonly linkRate?: number;
  readonly lanes?: number;
  readonly depth?: number;
  readonly roundTripMs?: number;
  readonly tier?: 0 | 1 | 2;
  readonly dieChance?: number;
  readonly corruptChance?: number;
  readonly stallChance?: number;
  /** That it has no room for a request. */
  readonly refuseChance?: number;
  /** Pieces it holds at first; it follows when given. */
  readonly holds?: readonly number[];
  /** Milliseconds after which it gains one more piece, again and again, lowest first, up to all. */
  readonly gainEveryMs?: number;
  /** It answers nothing between these times. */
  readonly awayMs?: readonly [number, number];
}

interface SimLane {
  readonly id: number;
  readonly peer: number;
  readonly runs: { first: number; next: number; end: number; answersAtMs: number; isAdmitted?: boolean }[];
  bytes: number;
  received: number;
  isStalled: boolean;
  isShortened: boolean;
  openAtMs: number;
  isOpen: boolean;
}

const STEP_MS = 50;

export class PlannedSwarm {
  state: PlanState;
  nowMs = 0;
  ended: 'complete' | 'fail' | undefined;
  readonly got: Set<number> = new Set();
  /** By the peer's number. */
  readonly gotFrom: number[];
  /** Every command, in order: two runs with one seed must agree. */
  readonly log: string[] = [];
  /** How often the bytes of a piece under way were thrown away because it was taken over. */
  readonly takenOver: Map<number, number> = new Map();
  mostRunsOfALane = 0;
  mostLanes = 0;
  readonly #lanes = new Map<number, SimLane>();
  readonly #dropped = new Set<string>();
  readonly #holds: (Set<number> | undefined)[];
  readonly #peers: readonly SwarmPeer[];
  readonly #pieceCount: number;
  readonly #random: Random;
  readonly #events: PlanEvent[] = [];
  #sinceTickMs = 0;

  constructor(pieceCount: number, peers: readonly SwarmPeer[], seed: number, limits: Partial<TransferLimits> = {}) {
    this.#peers = peers;
    this.#pieceCount = pieceCount;
    this.#random = seededRandom(seed);
    this.#holds = peers.map(({ holds }) => (holds === undefined ? undefined : new Set(holds)));
    this.gotFrom = peers.map(() => 0);
    const missing = [{ first: 0, end: pieceCount }];
    const all = { ...TRANSFER_LIMITS, ...limits };
    this.state = startPlan({ pieceCount, pieceBytes: MiB, missing, limits: all, nowMs: 0 });
    peers.forEach((peer, index) => {
      const { lanes = 1, tier = 0 } = peer;
      const follows = peer.holds !== undefined;
      this.tell({ on: 'source_added', sourceId: String(index), lanes, expectedRate: 0, tier, follows });
      if (follows) this.news(index, { news: 'holds', bits: this.#bitsOf(index) });
    });
  }

  run(maxMs: number): this {
    while (this.ended === undefined && this.nowMs < maxMs) this.step();
    return this;
  }

  step(): void {
    this.nowMs += STEP_MS;
    for (const lane of [...this.#lanes.values()]) this.#move(lane);
    this.#gain();
    this.#sinceTickMs += STEP_MS;
    if (this.#sinceTickMs < TRANSFER_LIMITS.tickMs) return;
    this.#sinceTickMs = 0;
    const received = new Map([...this.#lanes.values()].map((lane) => [lane.id, lane.received]));
    for (const lane of this.#lanes.values()) lane.received = 0;
    this.tell({ on: 'tick', received });
  }

  news(peer: number, news: PieceNews): void {
    this.tell({ on: 'pieces_news', sourceId: String(peer), news });
  }

  tell(event: PlanEvent): void {
    this.#events.push(event);
    if (this.#events.length > 1) return;
    for (let next = this.#events[0]; next !== undefined; next = this.#events[0]) {
      const step = planTransfer(this.state, next, this.nowMs, this.#random);
      this.state = step.state;
      for (const command of step.commands) this.#obey(command);
      this.#events.shift();
    }
    this.#checkOwners();
  }

  #move(lane: SimLane): void {
    const peer = this.#peers[lane.peer];
    if (peer === undefined || !this.#lanes.has(lane.id) || this.#isAway(peer)) return;
    if (!lane.isOpen && this.nowMs >= lane.openAtMs) this.#open(lane, peer);
    if (!lane.isOpen || lane.isStalled || (lane.runs[0]?.answersAtMs ?? this.nowMs) > this.nowMs) return;
    if (lane.runs.length === 0) return;
    const busy = [...this.#lanes.values()].filter((each) => each.peer === lane.peer && each.runs.length > 0).length;
    const rate = Math.min(peer.rate, (peer.linkRate ?? Number.POSITIVE_INFINITY) / busy);
    const budget = (rate * STEP_MS) / 1000;
    lane.bytes += budget;
    lane.received += budget;
    if (this.#refuses(lane, peer)) return;
    while (lane.bytes >= MiB && lane.runs.length > 0 && this.#lanes.has(lane.id) && !lane.isStalled)
      this.#piece(lane, peer);
    if (lane.runs.length === 0) lane.bytes = 0;
  }

  #isAway({ awayMs }: SwarmPeer): boolean {
    return awayMs !== undefined && this.nowMs >= awayMs[0] && this.nowMs < awayMs[1];
  }

  #open(lane: SimLane, peer: SwarmPeer): void {
    lane.isOpen = true;
    const { depth = 8, roundTripMs = 0 } = peer;
    for (const run of lane.runs) run.answersAtMs = this.nowMs + roundTripMs;
    this.tell({ on: 'lane_opened', laneId: lane.id, roundTripMs, depth });
  }

  /** Once for each request, when its answer would begin. */
  #refuses(lane: SimLane, { refuseChance = 0 }: SwarmPeer): boolean {
    const run = lane.runs[0];
    if (refuseChance === 0 || run === undefined || run.isAdmitted) return false;
    run.isAdmitted = this.#random.next() >= refuseChance;
    if (run.isAdmitted) return false;
    lane.runs.shift();
    lane.bytes = 0;
    this.tell({ on: 'run_refused', laneId: lane.id, retryAfterMs: 300 });
    this.#endIfShort(lane);
    return true;
  }

  #piece(lane: SimLane, peer: SwarmPeer): void {
    const { corruptChance = 0, dieChance = 0, stallChance = 0 } = peer;
    const chance = this.#random.next();
    if (chance < corruptChance) this.#lose(lane, 'bad_piece');
    else if (chance < corruptChance + dieChance) this.#lose(lane, 'peer_unreachable');
    else if (chance < corruptChance + dieChance + stallChance) lane.isStalled = true;
    else this.#receive(lane);
  }

  #receive(lane: SimLane): void {
    const run = lane.runs[0];
    if (run === undefined) return;
    const index = run.next;
    if (this.got.has(index)) throw new Error(`piece ${index} came twice`);
    this.got.add(index);
    this.gotFrom[lane.peer] = (this.gotFrom[lane.peer] ?? 0) + 1;
    lane.bytes -= MiB;
    run.next += 1;
    this.tell({ on: 'piece_done', laneId: lane.id, index });
    if (!this.#lanes.has(lane.id)) return;
    if (run.next >= run.end && lane.runs[0] === run) {
      lane.runs.shift();
      this.tell({ on: 'run_done', laneId: lane.id });
    }
    this.#endIfShort(lane);
  }

  #endIfShort(lane: SimLane): void {
    if (!lane.isShortened || lane.runs.length > 0 || !this.#lanes.delete(lane.id)) return;
    this.tell({ on: 'lane_closed', laneId: lane.id });
  }

  #lose(lane: SimLane, code: TransferErrorCode): void {
    this.#lanes.delete(lane.id);
    if (code === 'bad_piece') this.#dropped.add(String(lane.peer));
    this.tell({ on: 'lane_failed', laneId: lane.id, code });
  }

  #gain(): void {
    this.#peers.forEach(({ gainEveryMs }, peer) => {
      const holds = this.#holds[peer];
      if (gainEveryMs === undefined || holds === undefined || this.nowMs % gainEveryMs >= STEP_MS) return;
      const index = Array.from({ length: this.#pieceCount }, (_, piece) => piece).find((piece) => !holds.has(piece));
      if (index === undefined) return;
      holds.add(index);
      this.news(peer, { news: 'gained', indexes: [index] });
    });
  }

  #obey(command: PlanCommand): void {
    this.log.push(`${this.nowMs} ${JSON.stringify(command)}`);
    if (command.do === 'complete' || command.do === 'fail') this.ended = command.do;
    if (command.do === 'shorten') this.#shorten(command.laneId, command.end);
    if (command.do === 'close') this.#close(command.laneId, command.because);
    if (command.do === 'read') this.#read(command);
  }

  #read(command: ReadCommand): void {
    const { laneId, sourceId, first, end } = command;
    const number = Number(sourceId);
    const peer = this.#peers[number];
    if (peer === undefined || this.#dropped.has(sourceId)) throw new Error('asked a peer that was dropped');
    if (end <= first) throw new Error('asked for nothing');
    const lane = this.#lanes.get(laneId) ?? this.#newLane(laneId, number);
    if (lane.isShortened) throw new Error('asked a lane that ends');
    for (let index = first; index < end; index += 1) this.#checkAsked(number, index);
    lane.runs.push({ first, next: first, end, answersAtMs: this.nowMs + (peer.roundTripMs ?? 0) });
    if (lane.runs.length > (lane.isOpen ? (peer.depth ?? 8) : 1)) throw new Error('asked too far ahead');
    this.mostRunsOfALane = Math.max(this.mostRunsOfALane, lane.runs.length);
    const open = [...this.#lanes.values()].filter((each) => each.peer === number).length;
    if (open > (peer.lanes ?? 1)) throw new Error('more lanes than allowed');
  }

  #newLane(id: number, peer: number): SimLane {
    const openAtMs = this.nowMs + (this.#peers[peer]?.roundTripMs ?? 0);
    const none = { bytes: 0, received: 0, isStalled: false, isShortened: false, isOpen: false };
    const lane: SimLane = { id, peer, runs: [], openAtMs, ...none };
    this.#lanes.set(id, lane);
    this.mostLanes = Math.max(this.mostLanes, this.#lanes.size);
    return lane;
  }

  #checkAsked(peer: number, index: number): void {
    if (this.#holds[peer]?.has(index) === false) throw new Error(`asked ${peer} for ${index}, which it lacks`);
    if (this.got.has(index)) throw new Error(`asked for ${index}, which is here`);
    for (const lane of this.#lanes.values())
      if (lane.runs.some((run) => index >= run.next && index < run.end)) throw new Error(`${index} is in two lanes`);
  }

  #shorten(laneId: number, end: number): void {
    const lane = this.#lanes.get(laneId);
    const run = lane?.runs.at(-1);
    if (lane === undefined || run === undefined || end < run.first || (end <= run.next && lane.runs.length === 1))
      throw new Error('shortened below what is under way');
    if (end <= run.first) lane.runs.pop();
    else run.end = end;
    lane.isShortened = lane.isOpen;
  }

  #close(laneId: number, because: string): void {
    const lane = this.#lanes.get(laneId);
    if (lane === undefined) throw new Error('closed twice');
    this.#lanes.delete(laneId);
    const index = lane.runs[0]?.next;
    if (because === 'taken_over' && index !== undefined)
      this.takenOver.set(index, (this.takenOver.get(index) ?? 0) + 1);
    if (because === 'peer_stalled') this.#events.push({ on: 'lane_failed', laneId, code: 'peer_stalled' });
    else this.#events.push({ on: 'lane_closed', laneId });
  }

  /** Every piece that is not here is with nobody or in exactly one run, and all counts agree. */
  #checkOwners(): void {
    const { pieces, lanes } = this.state;
    const places = new Uint8Array(this.#pieceCount).fill(MISSING);
    for (const index of this.got) places[index] = HERE;
    for (const { runs } of lanes.values())
      for (const { next, end } of runs)
        for (let index = next; index < end; index += 1) {
          if (places[index] !== MISSING) throw new Error(`piece ${index} has two owners`);
          places[index] = ASKED;
        }
    for (let index = 0; index < this.#pieceCount; index += 1)
      if (places[index] !== pieces.places[index]) throw new Error(`piece ${index} is not where the plan has it`);
    const count = (place: number): number => places.filter((each) => each === place).length;
    if (pieces.missing !== count(MISSING)) throw new Error(`${pieces.missing} missing, ${count(MISSING)} counted`);
    if (pieces.left !== this.#pieceCount - this.got.size) throw new Error(`${pieces.left} left, ${this.got.size} here`);
    for (const lane of lanes.values()) {
      const asked = lane.runs.reduce((sum, run) => sum + run.end - run.next, 0);
      if (asked !== lane.asked) throw new Error(`${lane.asked} asked of a lane, ${asked} counted`);
    }
  }

  #bitsOf(peer: number): Uint8Array {
    const bits = new Uint8Array(Math.ceil(this.#pieceCount / 8));
    for (const index of this.#holds[peer] ?? []) bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7));
    return bits;
  }
}
