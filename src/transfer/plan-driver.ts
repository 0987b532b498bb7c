/**
 * Carries out the plan: tells it events one by one and does what it commands, with a runner for each lane. Owns the
 * runners: after `close` none of them moves. Nothing is planned once the signal has come. Spec: docs/spec/10-transfer.md §4.
 */
import type { Clock, Random } from '../core/index.ts';
import { type LaneContext, LaneRunner } from './lane-runner.ts';
import type { PlanCommand, PlanEvent, PlanState } from './plan-state.ts';
import { planTransfer } from './planner.ts';
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

export class PlanDriver {
  readonly #options: PlanDriverOptions;
  readonly #context: LaneContext;
  readonly #runners = new Map<number, LaneRunner>();
  readonly #queue: PlanEvent[] = [];
  readonly #signal: AbortSignal;
  #plan: PlanState;
  #isDispatching = false;

  constructor(options: PlanDriverOptions, signal: AbortSignal) {
    this.#options = options;
    this.#plan = options.plan;
    this.#context = { ...options.lanes, tell: (event) => this.tell(event) };
    this.#signal = signal;
  }

  /** Commands may tell further events; they wait until the ones before are carried out. */
  tell(...events: readonly PlanEvent[]): void {
    this.#queue.push(...events);
    if (this.#isDispatching || this.#signal.aborted) return;
    this.#isDispatching = true;
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) this.#take(event);
    this.#isDispatching = false;
  }

  /** Bytes that each lane received since the last call, verified or not. */
  takeReceived(): Map<number, number> {
    return new Map([...this.#runners].map(([id, runner]) => [id, runner.takeReceived()]));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#runners.values()].map((runner) => runner.close('cancelled')));
  }

  #take(event: PlanEvent): void {
    const { clock, random } = this.#options;
    if (event.on === 'lane_closed' || event.on === 'lane_failed') this.#runners.delete(event.laneId);
    const step = planTransfer(this.#plan, event, clock.monotonicMs(), random);
    this.#plan = step.state;
    for (const command of step.commands) this.#carryOut(command);
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
