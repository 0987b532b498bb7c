/**
 * Staged rollouts as decisions: which nodes a wave has, when the next one begins, when everything goes back, who coordinates,
 * and what each node should have meanwhile. Pure. Spec: docs/spec/19-rollout.md.
 */
export { changeRollout, type RolloutChange, startRollout } from './change.ts';
export { chooseNodes, type RolloutNode } from './choose.ts';
export { leaseMsOf, planTakeover, renewMsOf, takeOver, takeUpAgain } from './coordinator.ts';
export { failuresOf, type Mark, type Member, readMembers } from './members.ts';
export { mergeRollouts, type RolloutWord } from './merge.ts';
export { isGoingBack, isOver } from './phase.ts';
export { planRollout } from './plan.ts';
export { quotaOf } from './waves.ts';
export { desiredVersionOf } from './wish.ts';
