/** The HTTP contract of the daemon: routes, shapes, errors, and the client that keeps to them. Browser-safe. */
export { type AccessAnswer, type AuditRow, CONSENT_MODES } from './access-routes.ts';
export {
  BRIDGE_ROUTES,
  type BridgeRoute,
  type ModelCard,
} from './bridge.ts';
export { type CallInput, ControlClient } from './client.ts';
export type { ControlHandlers, ControlInput } from './control.ts';
export {
  DAEMON_DEFAULTS,
  type Daemon,
  type DaemonConfig,
  type DaemonReady,
  LOG_LEVELS,
  type LogLevel,
  type NodeFactsConfig,
  type OpenDaemon,
  parseDaemonEnv,
  SPLICE_RELAY_PORT,
  type SpliceRelayConfig,
} from './daemon-config.ts';
export {
  DAEMON_FILE,
  type DaemonFile,
  parseDaemonFile,
  startLineSchema,
  TOKEN_FILE,
} from './daemon-file.ts';
export type { DeploymentRow, OrderEvent } from './deployment-routes.ts';
export {
  ApiError,
  ERROR_KINDS,
  type ErrorBody,
  EXIT_CODES,
  errorBodySchema,
  HTTP_STATUS,
  RemoteError,
  toErrorBody,
} from './errors.ts';
export type { ManifestAnswer } from './manifest-routes.ts';
export type { AgentRow, DoctorReport, NodeRow, Status } from './mesh.ts';
export type { ModelInspection } from './model-registry-routes.ts';
export {
  CONTRACT_VERSION,
  type ModelInfo,
  type ModelRow,
  type PullEvent,
  type Transfer,
  type WorkEvent,
} from './models.ts';
export type { InstalledPackageRow, PackageEvent, PackageOffer, WaitingPackageRow } from './package-routes.ts';
export type { Limits } from './rate-policy.ts';
export type { RolloutRow } from './rollout-routes.ts';
export type { Route } from './route.ts';
export {
  type AnswerOf,
  CONTROL_ROUTES,
  type ControlRouteName,
} from './routes.ts';
export type { ExplainedModel, ExplainedNode, RuleComplaintRow, RuleSetRow } from './rules-routes.ts';
