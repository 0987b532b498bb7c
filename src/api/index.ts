/** The HTTP contract of the daemon: routes, shapes, errors, and the client that keeps to them. Browser-safe. */
export { type CallInput, type ClientOptions, ControlClient } from './client.ts';
export type { ControlHandler, ControlHandlers, ControlInput } from './control.ts';
export {
  API_ERRORS,
  ApiError,
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
