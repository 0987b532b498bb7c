/**
 * Staged rollouts as decisions: which nodes a wave has, when the next one begins, when everything goes back, who coordinates,
 * and what each node should have meanwhile. Pure. Spec: docs/spec/19-rollout.md.
 */
export { changeRollout, ROLLOUT_CHANGES, type RolloutChange, startRollout } from './change.ts';
export { chooseNodes, type RolloutNode } from './choose.ts';
export { leaseMsOf, planTakeover, renewMsOf, type Takeover, takeOver } from './coordinator.ts';
export { failuresOf, type Mark, type Member, readMembers } from './members.ts';
export { compareWords, mergeRollouts, type RolloutWord } from './merge.ts';
export { isGoingBack, isOver, isStopped } from './phase.ts';
export { planRollout, type RolloutPlan, type RolloutView } from './plan.ts';
export { quotaOf } from './waves.ts';
export { desiredVersionOf, type RolloutWish } from './wish.ts';
