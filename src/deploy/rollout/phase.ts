/** What the phases of a rollout mean. Spec: docs/spec/19-rollout.md §2. Pure. */
import type { RolloutPhase } from '../../protocol/index.ts';

/** Nothing is left for a coordinator to do. */
export function isOver(phase: RolloutPhase): boolean {
  return phase === 'rolled_back' || phase === 'aborted' || phase === 'done';
}

/** Who was given the new version goes back. */
export function isGoingBack(phase: RolloutPhase): boolean {
  return phase === 'rolling_back' || phase === 'rolled_back';
}
