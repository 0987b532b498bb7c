/**
 * Gets one blob from one or several peers at once, every piece verified on arrival and the whole SHA-256 computed
 * while it grows. The planner is pure; sources and the sink are ports. Spec: docs/spec/10-transfer.md.
 */
export { Download, download } from './download.ts';
export { TransferError, type TransferErrorCode } from './errors.ts';
export { HttpPieceSource } from './http-source.ts';
export { TRANSFER_LIMITS, type TransferLimits } from './limits.ts';
export { chooseNeighbours, type NeighbourCandidate } from './plan/neighbours.ts';
export type { PlanCommand, PlanEvent } from './plan/plan-events.ts';
export type { PlanState } from './plan/plan-state.ts';
export { planTransfer, startPlan } from './plan/planner.ts';
export type {
  BlobToGet,
  DifferenceQuestion,
  Lane,
  PieceNews,
  PieceSink,
  PieceSource,
  ReceiveBytes,
  TlsCredentials,
} from './ports.ts';
export type { DownloadProgress } from './progress.ts';
export {
  connectProber,
  DelayWatch,
  type Direction,
  type FlowFacts,
  formatRate,
  formatRatePolicy,
  LAN_POLICY,
  limitsOf,
  type PeerAddress,
  PRIORITIES,
  type Priority,
  parseRate,
  parseRatePolicy,
  RateGovernor,
  type RatePolicy,
  type RatePolicyText,
  type RateRules,
  rulesAt,
  type TransferWish,
} from './rate/index.ts';
export type { SourceOutcome } from './source-stats.ts';
export { type Span, spansOfMissing } from './spans.ts';
export { StreamPieceSource } from './stream-source.ts';
export { UrlPieceSource } from './url-source.ts';
export { WsPieceSource, type WsPieceSourceOptions } from './ws-source.ts';
