/**
 * Staged rollouts as decisions: which nodes a wave has, when the next one begins, when everything goes back, who coordinates,
 * and what each node should have meanwhile. Pure. Spec: docs/spec/19-rollout.md.
 */
export { isGoingBack, isOver, isStopped } from './phase.ts';
export { desiredVersionOf, type RolloutWish } from './wish.ts';
