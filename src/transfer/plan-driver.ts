/**
 * Carries out the plan: tells it events one by one and does what it commands, with a runner for each lane and a follower
 * for each source that tells what it holds. Owns them: after `close` none of them moves. Nothing is planned once the
 * signal has come. Spec: docs/spec/10-transfer.md §4.
 */
import type { Clock, Random } from '../core/index.ts';
import { type LaneContext, LaneRunner } from './lane-runner.ts';
import { PieceFollowers } from './piece-followers.ts';
import type { PlanCommand, PlanEvent } from './plan/plan-events.ts';
import type { PlanState } from './plan/plan-state.ts';
import { planTransfer } from './plan/planner.ts';
import type { PieceSource } from './ports.ts';
import type { SourceBook } from './source-book.ts';

export interface PlanDriverOptions {
  readonly plan: PlanState;
  readonly sources: SourceBook;
  readonly lanes: Omit<LaneContext, 'tell'>;
  readonly random: Random;
  readonly clock: Clock;
  /** Every piece is verified. */
  readonly onComplete: () => void;
  /** Nobody is left to ask. */
  readonly onNoSources: () => void;
}

export interface Received {
  /** Bytes of each lane, verified or not. */
  readonly received: Map<number, number>;
  /** Lanes that our own gate holds up. */
  readonly held: Set<number>;
}

export class PlanDriver {
  readonly #options: PlanDriverOptions;
  readonly #context: LaneContext;
  readonly #followers: PieceFollowers;
  readonly #runners = new Map<number, LaneRunner>();
  readonly #queue: PlanEvent[] = [];
  readonly #signal: AbortSignal;
  #plan: PlanState;
  #isDispatching = false;

  constructor(options: PlanDriverOptions, signal: AbortSignal) {
    const { plan, clock, random, lanes } = options;
    const tell = (event: PlanEvent): void => this.tell(event);
    this.#options = options;
    this.#plan = plan;
    this.#context = { ...lanes, tell };
    const { pieces, limits } = plan;
    const { onFailure } = lanes;
    this.#followers = new PieceFollowers({ pieceCount: pieces.count, clock, random, limits, tell, onFailure }, signal);
    this.#signal = signal;
  }

  addSource(port: PieceSource): void {
    this.tell({
      on: 'source_added',
      sourceId: port.id,
      lanes: port.lanes ?? 1,
      expectedRate: port.expectedRate ?? 0,
      tier: port.tier ?? 0,
      follows: port.followPieces !== undefined,
      isPartial: port.isPartial ?? false,
      isPreferred: port.isPreferred ?? false,
    });
    if (!this.#isUsed(port.id)) return;
    // It may have taken the place of one that failed and failed.
    this.#followers.keep((sourceId) => this.#isUsed(sourceId));
    this.#followers.follow(port);
  }

  /** Commands may tell further events; they wait until the ones before are carried out. */
  tell(...events: readonly PlanEvent[]): void {
    this.#queue.push(...events);
    if (this.#isDispatching || this.#signal.aborted) return;
    this.#isDispatching = true;
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) this.#take(event);
    this.#isDispatching = false;
  }

  /** Since the last call. */
  takeReceived(): Received {
    const received = new Map<number, number>();
    const held = new Set<number>();
    for (const [id, runner] of this.#runners) {
      received.set(id, runner.takeReceived());
      if (runner.isHeld) held.add(id);
    }
    return { received, held };
  }

  async close(): Promise<void> {
    const runners = [...this.#runners.values()];
    await Promise.all([this.#followers.close(), ...runners.map((runner) => runner.close('cancelled'))]);
  }

  #take(event: PlanEvent): void {
    const { clock, random } = this.#options;
    const source = this.#sourceOf(event);
    if (event.on === 'lane_closed' || event.on === 'lane_failed') this.#runners.delete(event.laneId);
    const step = planTransfer(this.#plan, event, clock.monotonicMs(), random);
    this.#plan = step.state;
    for (const command of step.commands) this.#carryOut(command);
    if (source !== undefined && !this.#isUsed(source)) this.#followers.stop(source);
  }

  /** Of an event after which a source may be gone. */
  #sourceOf(event: PlanEvent): string | undefined {
    if (event.on === 'source_failed' || event.on === 'source_removed') return event.sourceId;
    return event.on === 'lane_failed' ? this.#plan.lanes.get(event.laneId)?.source.id : undefined;
  }

  #isUsed(sourceId: string): boolean {
    const source = this.#plan.sources.get(sourceId);
    return source !== undefined && source.status !== 'gone';
  }

  #carryOut(command: PlanCommand): void {
    switch (command.do) {
      case 'read':
        this.#runner(command.laneId, command.sourceId)?.read(command);
        break;
      case 'shorten':
        this.#runners.get(command.laneId)?.shorten(command.end);
        break;
      case 'close':
        void this.#runners.get(command.laneId)?.close(command.because);
        break;
      case 'complete':
        this.#options.onComplete();
        break;
      case 'fail':
        this.#options.onNoSources();
        break;
    }
  }

  #runner(laneId: number, sourceId: string): LaneRunner | undefined {
    const known = this.#runners.get(laneId);
    const source = this.#options.sources.get(sourceId);
    if (known !== undefined || source === undefined) return known;
    const runner = new LaneRunner(laneId, source.port, source.stats, this.#context);
    this.#runners.set(laneId, runner);
    return runner;
  }
}
