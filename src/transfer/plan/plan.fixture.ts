import { MiB, type Random, seededRandom } from '../../core/index.ts';
import type { PlanCommand, PlanEvent } from './plan-events.ts';
import type { PlanState } from './plan-state.ts';
import { planTransfer, startPlan } from './planner.ts';

/** A planner without a world: what it orders is what is looked at. */
export class Plan {
  nowMs = 0;
  #state: PlanState;
  readonly #random: Random;

  constructor(pieceCount: number, seed = 1) {
    const missing = [{ first: 0, end: pieceCount }];
    this.#state = startPlan({ pieceCount, pieceBytes: MiB, missing, nowMs: 0 });
    this.#random = seededRandom(seed);
  }

  tell(event: PlanEvent): readonly PlanCommand[] {
    const step = planTransfer(this.#state, event, this.nowMs, this.#random);
    this.#state = step.state;
    return step.commands;
  }

  /** Ticks as a clock does; the commands of all of them. */
  tickTo(ms: number): readonly PlanCommand[] {
    const commands: PlanCommand[] = [];
    for (; this.nowMs < ms; this.nowMs += 500) commands.push(...this.#tick());
    return [...commands, ...this.#tick()];
  }

  #tick(): readonly PlanCommand[] {
    return this.tell({ on: 'tick', received: new Map() });
  }
}

export function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

export function bitsOf(length: number, indexes: readonly number[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil(length / 8));
  for (const index of indexes) bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7));
  return bits;
}
