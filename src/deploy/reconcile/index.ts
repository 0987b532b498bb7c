/** The reconciler: a journal of what is deployed, a pure plan, and the engine that follows it over ports. */
export { planReconcile, type ReconcileAction, type ReconcilePlan } from './plan.ts';
export type {
  Activator,
  AuditSink,
  DeploymentEvent,
  DeploymentStore,
  Fetcher,
  FetchOptions,
  Gate,
  Prober,
  StatusSink,
  Wishes,
} from './ports.ts';
export { Reconciler, type ReconcilerPorts } from './reconciler.ts';
export { inForceOf } from './rows.ts';
