/**
 * Which models should be on which machines, decided. Whether a model fits a node, what its owner, orders, rollouts, rules and its
 * role want of it, and who wins. Pure, but for what its ports do. Spec: docs/spec/17-deployment.md, 18-rules.md, 19-rollout.md.
 */
export {
  type Explanation,
  explainDesired,
} from './desired/explain-desired.ts';
export { FleetIndex } from './desired/fleet-index.ts';
export { indexFor, planDesired, planDesiredOf } from './desired/plan-desired.ts';
export { priorityOf } from './desired/precedence.ts';
export { isTargeted } from './desired/target.ts';
export { type Criteria, chooseModel } from './exchange/choose-model.ts';
export { toArchitecture } from './fit/aliases.ts';
export { planFit } from './fit/plan-fit.ts';
export { type GateFile, planGate } from './gate.ts';
export {
  type Activator,
  type AuditSink,
  type DeploymentEvent,
  type DeploymentStore,
  type Fetcher,
  type FetchOptions,
  type Gate,
  inForceOf,
  type Prober,
  Reconciler,
  type Wishes,
} from './reconcile/index.ts';
export {
  changeRollout,
  chooseNodes,
  desiredVersionOf,
  failuresOf,
  isGoingBack,
  isOver,
  leaseMsOf,
  type Mark,
  type Member,
  mergeRollouts,
  planRollout,
  planTakeover,
  quotaOf,
  type RolloutChange,
  type RolloutNode,
  type RolloutWord,
  readMembers,
  renewMsOf,
  startRollout,
  takeOver,
  takeUpAgain,
} from './rollout/index.ts';
export type { RuleSurroundings } from './rules/fault.ts';
export { type RuleComplaint, readRules } from './rules/read-rules.ts';
export {
  type Because,
  type ContentKey,
  DEPLOYMENT_STEPS,
  type Deployed,
  type DeploymentStep,
  type Desired,
  type Fit,
  type Fleet,
  type FleetNode,
  type KnownManifest,
  type NodeFacts,
  type Order,
  type Pin,
  type PlanAccess,
  type PlanInput,
  type Refusal,
  type RuleSet,
} from './types.ts';
