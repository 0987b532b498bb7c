/** How a rollout begins, and what people may make of one that is under way. Spec: docs/spec/19-rollout.md §2.1, §6.3. Pure. */
import type { NodeId } from '../../core/index.ts';
import type { Rollout, RolloutSpec, RolloutState } from '../../protocol/index.ts';
import { isOver } from './phase.ts';
import { goBack } from './plan.ts';

export function startRollout(spec: RolloutSpec, coordinator: NodeId, nowMs: number): Rollout {
  const state: RolloutState = {
    phase: 'running',
    wave: 0,
    waves: [],
    results: [],
    before: [],
    wave_began_at: nowMs,
    term: 1,
    coordinator,
  };
  return { type: 'rollout', spec, state };
}

/** `abort` takes everybody back, `leave` leaves everybody as they are. */
export type RolloutChange = 'pause' | 'resume' | 'abort' | 'leave';

/** The state with the change, or undefined where it cannot be made any more. Making it twice is no error. */
export function changeRollout(
  state: RolloutState,
  change: RolloutChange,
  { why, nowMs }: { readonly why: string; readonly nowMs: number },
): RolloutState | undefined {
  const { why: _before, ...rest } = state;
  const { phase } = state;
  if (change === 'pause')
    return phase === 'running' || phase === 'paused' ? { ...rest, phase: 'paused', why } : undefined;
  if (change === 'resume') return phase === 'running' || phase === 'paused' ? { ...rest, phase: 'running' } : undefined;
  if (change === 'abort' && phase === 'rolling_back') return state;
  if (change === 'abort') return !isOver(phase) || phase === 'done' ? goBack(state, why, nowMs) : undefined;
  return phase === 'running' || phase === 'paused' ? { ...rest, phase: 'aborted', why } : undefined;
}
