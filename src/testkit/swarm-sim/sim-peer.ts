/**
 * One simulated machine: the shipping planner, its lanes and what it holds. Carries out what the planner commands, as
 * `PlanDriver` does with real connections. It goes and comes back with the pieces it holds; what it had of others is lost.
 */
import type { Random } from '../../core/index.ts';
import { UploadSlots } from '../../protocol/index.ts';
import { type PlanCommand, type PlanEvent, type PlanState, planTransfer, startPlan } from '../../transfer/index.ts';
import { type Located, toBytesPerMs } from './access-lines.ts';
import { Link } from './flow.ts';
import { PieceNewsBoard } from './piece-news-board.ts';
import type { SimLane } from './sim-lane.ts';
import type { SwarmWorld } from './swarm-world.ts';

export interface PeerOptions {
  readonly index: number;
  readonly located: Located;
  readonly random: Random;
  /** Has everything from the start. */
  readonly isSeeder: boolean;
}

export class SimPeer {
  readonly index: number;
  readonly id: string;
  readonly located: Located;
  readonly up: Link;
  readonly down: Link;
  readonly random: Random;
  readonly board: PieceNewsBoard;
  readonly sources: Map<string, SimPeer> = new Map();
  readonly lanes: Map<number, SimLane> = new Map();
  /** Lanes of others that read from here. */
  readonly uploads: Set<SimLane> = new Set();
  /** As in the server of a node. */
  readonly slots: UploadSlots = new UploadSlots();
  readonly online: { fromMs: number; toMs: number }[] = [];
  isOnline = false;
  /** It was switched off or cut off: nobody who talks to it is told. */
  wentSilently = false;
  /** Others have heard that it is there. */
  isKnown = false;
  doneAtMs: number | undefined;
  failedTimes = 0;
  readonly #world: SwarmWorld;
  readonly #events: PlanEvent[] = [];
  #plan: PlanState | undefined;
  #isDispatching = false;

  constructor(options: PeerOptions, world: SwarmWorld) {
    this.index = options.index;
    this.id = `n${options.index}`;
    this.located = options.located;
    this.up = new Link(toBytesPerMs(options.located.line.upMbits));
    this.down = new Link(toBytesPerMs(options.located.line.downMbits));
    this.random = options.random;
    this.#world = world;
    this.board = new PieceNewsBoard(this, world, options.isSeeder);
    if (options.isSeeder) this.doneAtMs = 0;
  }

  get isFetching(): boolean {
    return this.#plan !== undefined;
  }

  /** Starts, or goes on with what it holds. */
  startFetching(): void {
    const { pieceCount, pieceBytes, limits } = this.#world.options;
    const { nowMs } = this.#world.queue;
    this.#plan = startPlan({ pieceCount, pieceBytes, missing: this.board.missing(), limits, nowMs });
  }

  /** Closes everything; nothing more is planned until it starts anew. */
  stopFetching(): void {
    this.#plan = undefined;
    this.#events.length = 0;
    for (const lane of this.lanes.values()) this.#world.endLane(lane);
    for (const source of this.sources.values()) source.board.removeFollower(this);
    this.sources.clear();
  }

  /** Commands may tell further events; they wait until the ones before are carried out. */
  tell(event: PlanEvent): void {
    if (this.#plan === undefined) return;
    this.#events.push(event);
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#take(next);
    this.#isDispatching = false;
  }

  tick(): void {
    const received = new Map<number, number>();
    for (const lane of this.lanes.values()) received.set(lane.id, lane.takeReceived());
    this.tell({ on: 'tick', received });
  }

  onLaneOpened(lane: SimLane): void {
    this.tell({ on: 'lane_opened', laneId: lane.id, roundTripMs: lane.roundTripMs, depth: this.#world.options.depth });
  }

  onPiece(lane: SimLane, index: number): void {
    this.board.gain(index);
    this.tell({ on: 'piece_done', laneId: lane.id, index });
  }

  onRunDone(lane: SimLane): void {
    this.tell({ on: 'run_done', laneId: lane.id });
  }

  onRunRefused(lane: SimLane): void {
    this.tell({ on: 'run_refused', laneId: lane.id, retryAfterMs: lane.source.slots.retryMs });
  }

  onLaneEnded(lane: SimLane): void {
    this.#world.endLane(lane);
    this.tell({ on: 'lane_closed', laneId: lane.id });
  }

  #take(event: PlanEvent): void {
    if (this.#plan === undefined) return;
    const { nowMs } = this.#world.queue;
    const step = planTransfer(this.#plan, event, nowMs, this.random);
    this.#world.planned += 1;
    this.#plan = step.state;
    for (const command of step.commands) this.#carryOut(command);
  }

  #carryOut(command: PlanCommand): void {
    switch (command.do) {
      case 'read':
        this.#laneOf(command.laneId, command.sourceId)?.read(command.first, command.end);
        break;
      case 'shorten':
        this.lanes.get(command.laneId)?.shorten(command.end);
        break;
      case 'close':
        this.#close(command.laneId, command.because === 'peer_stalled');
        break;
      case 'complete':
        this.#complete();
        break;
      case 'fail':
        this.#fail();
        break;
    }
  }

  #laneOf(laneId: number, sourceId: string): SimLane | undefined {
    const known = this.lanes.get(laneId);
    const source = this.sources.get(sourceId);
    if (known !== undefined || source === undefined) return known;
    const lane = this.#world.openLane(this, source, laneId);
    this.lanes.set(laneId, lane);
    return lane;
  }

  #close(laneId: number, isStalled: boolean): void {
    const lane = this.lanes.get(laneId);
    if (lane === undefined) return;
    this.#world.endLane(lane);
    if (isStalled) this.tell({ on: 'lane_failed', laneId, code: 'peer_stalled' });
    else this.tell({ on: 'lane_closed', laneId });
  }

  #complete(): void {
    this.doneAtMs = this.#world.queue.nowMs;
    this.stopFetching();
    this.#world.unfinished -= 1;
  }

  /** A daemon whose pull has failed waits for somebody who has the model, and goes on. */
  #fail(): void {
    this.failedTimes += 1;
    this.stopFetching();
    this.startFetching();
    this.#world.lookForSources(this);
  }
}
