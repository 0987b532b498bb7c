/**
 * Gets one blob from one or several peers at once, every piece verified on arrival and the whole SHA-256 computed
 * while it grows. The planner is pure; sources and the sink are ports. Spec: docs/spec/10-transfer.md.
 */
export { Download, type DownloadOptions, type DownloadResult, download } from './download.ts';
export { TRANSFER_ERRORS, TransferError, type TransferErrorCode } from './errors.ts';
export { HttpPieceSource, type HttpPieceSourceOptions } from './http-source.ts';
export { TRANSFER_LIMIT_TABLE, TRANSFER_LIMITS, type TransferLimits } from './limits.ts';
export type { LanePlan, PlanCommand, PlanEvent, PlanState, SourcePlan } from './plan-state.ts';
export { type PlanStart, type PlanStep, planTransfer, startPlan } from './planner.ts';
export type { BlobToGet, Lane, PieceSink, PieceSource, ReceiveBytes, TlsCredentials } from './ports.ts';
export type { DownloadEvent, DownloadProgress, DownloadState } from './progress.ts';
export type { SourceOutcome } from './source-stats.ts';
