import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MiB, seededRandom } from '../../core/index.ts';
import { TRANSFER_LIMITS } from '../limits.ts';
import type { PlanCommand, PlanEvent } from './plan-events.ts';
import type { PlanState } from './plan-state.ts';
import { planTransfer, startPlan } from './planner.ts';

const RATE = 12 * MiB;

/** One source on a path that one lane fills, looked at by ticks that come late by some milliseconds; the lanes it has at the end. */
function lanesOnFullPath(lateMs: readonly number[]): number {
  const random = seededRandom(1);
  const missing = [{ first: 0, end: 10_000 }];
  let state: PlanState = startPlan({ pieceCount: 10_000, pieceBytes: MiB, missing, nowMs: 0 });
  const tell = (event: PlanEvent, nowMs: number): readonly PlanCommand[] => {
    const step = planTransfer(state, event, nowMs, random);
    state = step.state;
    return step.commands;
  };
  const open = (commands: readonly PlanCommand[], nowMs: number): void => {
    const asked = commands.flatMap((command) => (command.do === 'read' ? [command.laneId] : []));
    for (const laneId of new Set(asked))
      if (state.lanes.get(laneId)?.isOpen === false)
        tell({ on: 'lane_opened', laneId, roundTripMs: 2, depth: 8 }, nowMs + 20);
  };
  open(tell({ on: 'source_added', sourceId: 'a', lanes: 8, expectedRate: 0 }, 0), 0);
  let beforeMs = 0;
  for (const [tick, late] of lateMs.entries()) {
    const nowMs = (tick + 1) * TRANSFER_LIMITS.tickMs + late;
    const each = (RATE * (nowMs - beforeMs)) / 1000 / state.lanes.size;
    const received = new Map([...state.lanes.keys()].map((id) => [id, each]));
    open(tell({ on: 'tick', received }, nowMs), nowMs);
    beforeMs = nowMs;
  }
  return state.climb.goal / (state.climb.isTrial ? 2 : 1);
}

describe('climbLanes()', () => {
  it('keeps one lane where one fills the path, whenever the ticks come', () => {
    const late = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(late, (lateMs) => {
        expect(lanesOnFullPath(lateMs)).toBe(1);
      }),
    );
  });
});
