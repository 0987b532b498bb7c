/** The reconciler: a journal of what is deployed, a pure plan (plan.ts), and the engine that follows it over ports. */
export type {
  Activator,
  AuditSink,
  DeploymentEvent,
  DeploymentStore,
  Fetcher,
  FetchOptions,
  Gate,
  Prober,
  Wishes,
} from './ports.ts';
export { Reconciler } from './reconciler.ts';
export { inForceOf } from './rows.ts';
