/**
 * One connection between two simulated peers, as the planner sees it: runs of pieces are asked for, asked ahead if need
 * be, and come in order. Opening costs three round trips and the first byte of an answer one more, unless the lane is
 * still busy with earlier ones. Owns its flow; after `close` it says nothing more.
 */

import { PROTOCOL_LIMITS } from '../../protocol/index.ts';
import { roundTripMs } from './access-lines.ts';
import type { EventQueue, Task } from './event-queue.ts';
import { Flow, type FlowPath } from './flow.ts';
import type { FluidNetwork } from './fluid-network.ts';
import type { SimPeer } from './sim-peer.ts';

/** TCP and TLS 1.3: one round trip each, and one for the certificate to be looked at before the first request goes. */
const OPENING_ROUND_TRIPS = 2;

export interface LaneWorld {
  readonly queue: EventQueue;
  readonly network: FluidNetwork;
  readonly path: FlowPath;
  bytesOfPiece(index: number): number;
}

export interface LaneEnds {
  readonly id: number;
  readonly source: SimPeer;
  readonly owner: SimPeer;
}

interface Run {
  next: number;
  end: number;
  readonly readyAtMs: number;
}

export class SimLane implements Task {
  readonly id: number;
  readonly source: SimPeer;
  readonly owner: SimPeer;
  readonly roundTripMs: number;
  readonly #flow: Flow;
  readonly #world: LaneWorld;
  readonly #runs: Run[] = [];
  readonly #openAtMs: number;
  #takenBytes = 0;
  #isClosed = false;
  #isSilent = false;
  #isCarrying = false;
  #isOpen = false;
  #isEnding = false;
  /** Gives the place among the source's uploads back. */
  #leave: ((nowMs: number) => void) | undefined;

  constructor({ id, source, owner }: LaneEnds, world: LaneWorld) {
    this.id = id;
    this.source = source;
    this.owner = owner;
    this.roundTripMs = roundTripMs(owner.located, source.located);
    this.#world = world;
    this.#flow = new Flow(world.path, world.queue, () => this.#pieceArrived());
    this.#openAtMs = world.queue.nowMs + OPENING_ROUND_TRIPS * this.roundTripMs;
  }

  read(first: number, end: number): void {
    const { queue } = this.#world;
    const readyAtMs = Math.max(queue.nowMs, this.#openAtMs) + this.roundTripMs;
    this.#runs.push({ next: first, end, readyAtMs });
    if (!this.#isOpen) queue.at(this.#openAtMs, this);
    if (!this.#isCarrying) queue.at(readyAtMs, this);
  }

  /** Ends the last run before `end`, and itself after that. */
  shorten(end: number): void {
    const run = this.#runs.at(-1);
    if (run === undefined) return;
    if (end <= run.next && this.#runs.length > 1) this.#runs.pop();
    else run.end = Math.max(end, run.next);
    this.#isEnding = true;
    if (!this.#isCarrying) this.#world.queue.after(0, this);
  }

  /** No byte comes any more, and nobody says so. */
  fallSilent(): void {
    this.#isSilent = true;
    this.#giveUpRoom();
    this.#world.network.end(this.#flow);
  }

  close(): void {
    this.#isClosed = true;
    this.#giveUpRoom();
    this.#world.network.end(this.#flow);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Bytes that came since the last call. */
  takeReceived(): number {
    this.#flow.progress();
    const bytes = this.#flow.arrivedBytes - this.#takenBytes;
    this.#takenBytes = this.#flow.arrivedBytes;
    return bytes;
  }

  /** The next request's answer may be beginning. */
  fire(): void {
    if (this.#isClosed || this.#isSilent) return;
    if (!this.#isOpen && this.#world.queue.nowMs >= this.#openAtMs) {
      this.#isOpen = true;
      this.owner.onLaneOpened(this);
    }
    if (!this.#isCarrying) this.#next();
  }

  #next(): void {
    if (this.#isClosed || this.#isSilent) return;
    const run = this.#runs[0];
    const { queue, network } = this.#world;
    if (this.#isEnding && (run === undefined || (this.#runs.length === 1 && run.next >= run.end))) {
      this.close();
      this.owner.onLaneEnded(this);
      return;
    }
    if (run === undefined || run.readyAtMs > queue.nowMs) {
      network.end(this.#flow);
      if (run !== undefined) queue.at(run.readyAtMs, this);
      return;
    }
    if (!this.source.board.has(run.next))
      throw new Error(`piece ${run.next} was asked of ${this.source.id}, which lacks it`);
    if (!this.#hasRoom()) {
      network.end(this.#flow);
      this.#runs.shift();
      this.owner.onRunRefused(this);
      // Before the next one asked ahead, what the refusal changed is carried out.
      queue.after(0, this);
      return;
    }
    this.#isCarrying = true;
    this.source.board.noteSending(run.next);
    network.start(this.#flow);
    this.#flow.load(this.#world.bytesOfPiece(run.next));
  }

  /** One request has one place; nobody is refused where few follow. */
  #hasRoom(): boolean {
    const { board, slots } = this.source;
    if (this.#leave !== undefined || board.followerCount < PROTOCOL_LIMITS.slottedFollowers) return true;
    this.#leave = slots.enter(this.#world.queue.nowMs);
    return this.#leave !== undefined;
  }

  #giveUpRoom(): void {
    this.#leave?.(this.#world.queue.nowMs);
    this.#leave = undefined;
  }

  #pieceArrived(): void {
    const run = this.#runs[0];
    if (run === undefined) return;
    const index = run.next;
    run.next += 1;
    this.source.slots.sent(this.#world.bytesOfPiece(index), this.#world.queue.nowMs);
    if (run.next >= run.end) this.#giveUpRoom();
    this.owner.onPiece(this, index);
    if (run.next >= run.end) {
      this.#runs.shift();
      if (!this.#isClosed) this.owner.onRunDone(this);
    }
    this.#isCarrying = false;
    this.#next();
  }
}
