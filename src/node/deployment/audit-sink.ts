/** What the reconciler does, as entries of the audit log. Spec: docs/spec/20-access.md §6. */
import type { AuditSink, DeploymentEvent } from '../../deploy/index.ts';
import type { AuditEventName } from '../../registry/index.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';

const NAMES: Readonly<Record<DeploymentEvent, AuditEventName>> = {
  deployment_began: 'order',
  deployment_probed: 'load',
  deployment_in_force: 'activate',
  deployment_failed: 'refusal',
  deployment_refused: 'refusal',
  deployment_rolled_back: 'rollback',
  deployment_rollback_failed: 'rollback',
  deployment_removed: 'remove',
};

export function auditOf(audit: Pick<AuditTrail, 'note'>): AuditSink {
  return { note: (event, data) => audit.note(NAMES[event], { what: event, ...data }) };
}
