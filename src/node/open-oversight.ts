/** Who may do what here, whom the owner takes models from, and the log of what was done. Spec: docs/spec/20-access.md. */
import type { Mesh } from '../mesh/index.ts';
import { AccessPolicy } from './access/access-policy.ts';
import { PolicyReadGate, type ReadGate } from './access/read-gate.ts';
import { AuditTrail } from './audit/audit-trail.ts';
import { auditMesh, auditRefusals } from './audit/watch-events.ts';
import { ConsentDesk } from './consent/consent-desk.ts';
import { accessControl } from './control/access-control.ts';
import { auditControl } from './control/audit-control.ts';
import { bundleControl } from './control/bundle-control.ts';
import { consentControl } from './control/consent-control.ts';
import type { NodeParts } from './control/parts.ts';
import type { Refusal } from './served-content.ts';
import type { Surroundings } from './surroundings.ts';

export interface Oversight extends Pick<NodeParts, 'access' | 'audit' | 'consent'> {
  readonly readGate: ReadGate;
  readonly onRefusal: (refusal: Refusal) => void;
}

export function openOversight(around: Surroundings, mesh: Mesh, stack: AsyncDisposableStack): Oversight {
  const { registry, home, clock, logger } = around;
  const audit = stack.use(new AuditTrail({ log: registry.auditLog, headFile: home.auditHead, clock, logger }));
  stack.defer(auditMesh(audit, mesh));
  const access = stack.use(new AccessPolicy({ mesh, settings: registry.settings, clock, logger }));
  const { consents, settings } = registry;
  const consent = new ConsentDesk({ consents, settings, clock, insist: (facts) => audit.insist('consent', facts) });
  const roleOf = (nodeId: Parameters<AccessPolicy['roleOf']>[0]) => access.roleOf(nodeId);
  const readGate = new PolicyReadGate({ policy: () => access.current, roleOf });
  return { access, audit, consent, readGate, onRefusal: auditRefusals(audit, () => clock.monotonicMs()) };
}

export function oversightControl(parts: NodeParts) {
  return { ...accessControl(parts), ...auditControl(parts), ...consentControl(parts), ...bundleControl(parts) };
}
