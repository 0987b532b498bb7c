/**
 * How much of the link transfers may have: policy (profiles, schedules, priorities), the governor that shares one direction
 * out, and the back-off when the link's delay grows. Spec: docs/spec/10-transfer.md §11.
 */
export { connectProber, type PeerAddress } from './connect-prober.ts';
export { DelayWatch } from './delay-watch.ts';
export {
  type Direction,
  type FlowFacts,
  formatRatePolicy,
  LAN_POLICY,
  limitsOf,
  parseRatePolicy,
  type RatePolicy,
  type RatePolicyText,
  type RateRules,
  rulesAt,
  type TransferWish,
} from './policy.ts';
export { PRIORITIES, type Priority } from './priority.ts';
export { RateGovernor } from './rate-governor.ts';
export { formatRate, parseRate } from './rate-value.ts';
