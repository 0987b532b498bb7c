/** The HTTP contract of the daemon: routes, shapes, errors, and the client that keeps to them. Browser-safe. */
export {
  BRIDGE_ROUTES,
  type BridgeRoute,
  type Health,
  healthSchema,
  type ModelCard,
  modelCardSchema,
  servedModelListSchema,
  servedModelSchema,
} from './bridge.ts';
export { type CallInput, type ClientOptions, ControlClient } from './client.ts';
export type { ControlHandler, ControlHandlers, ControlInput } from './control.ts';
export {
  DAEMON_DEFAULTS,
  type Daemon,
  type DaemonConfig,
  type DaemonEnv,
  type DaemonReady,
  LOG_LEVELS,
  type LogLevel,
  type OpenDaemon,
  parseDaemonEnv,
} from './daemon-config.ts';
export {
  DAEMON_FILE,
  type DaemonFile,
  daemonFileSchema,
  parseDaemonFile,
  startLineSchema,
  TOKEN_FILE,
} from './daemon-file.ts';
export {
  API_ERRORS,
  ApiError,
  ERROR_KINDS,
  type ErrorBody,
  EXIT_CODES,
  errorBodySchema,
  HTTP_STATUS,
  RemoteError,
  toErrorBody,
} from './errors.ts';
export { type DoctorReport, doctorSchema, type NodeRow, nodeRowSchema, type Status, statusSchema } from './mesh.ts';
export {
  CONTRACT_VERSION,
  type ModelInfo,
  type ModelRow,
  modelInfoSchema,
  modelRowSchema,
  type PullEvent,
  pullEventSchema,
  TRANSFER_STATES,
  type Transfer,
  transferSchema,
  type WorkEvent,
  workEventSchema,
} from './models.ts';
export {
  type Access,
  type AnswerOf,
  type BodyOf,
  CONTROL_ROUTES,
  type ControlRouteName,
  type ControlRoutes,
  type ParsedBodyOf,
  type ParsedQueryOf,
  type QueryOf,
  type Route,
} from './routes.ts';
