/** Staged rollouts at this node: what is known of them, coordinating where it is its turn, and taking orders. */
import type { Clock, Logger } from '../../core/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import type { AccessPolicy } from '../access/access-policy.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { ModelStatuses } from './model-statuses.ts';
import type { ManifestsView, NodesView } from './ports.ts';
import type { RolloutBook } from './rollout-book.ts';
import { RolloutCoordinator, type RolloutFleet } from './rollout-coordinator.ts';
import { RolloutDesk } from './rollout-desk.ts';
import { rolloutFleet } from './rollout-fleet.ts';
import type { StatusBook } from './status-book.ts';

export interface RolloutOptions {
  readonly mesh: Mesh;
  readonly access: AccessPolicy;
  readonly nodes: NodesView;
  readonly manifests: ManifestsView;
  readonly statuses: StatusBook;
  readonly book: RolloutBook;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Rollouts {
  readonly book: RolloutBook;
  readonly fleet: RolloutFleet;
  readonly coordinator: RolloutCoordinator;
  readonly desk: RolloutDesk;
}

export function openRollouts(options: RolloutOptions, stack: AsyncDisposableStack): Rollouts {
  const { mesh, access, nodes, manifests, statuses, book, audit, clock, logger } = options;
  const orderContext = () => access.orderContext();
  const byModel = stack.use(new ModelStatuses(statuses));
  const fleet = rolloutFleet({
    nodes: () => nodes.nodes(),
    statusesOf: (modelId) => byModel.of(modelId),
    orderContext,
  });
  const coordinator = stack.use(new RolloutCoordinator({ mesh, book, fleet, clock, logger }));
  for (const { changes } of [nodes, statuses]) stack.defer(changes.on(() => coordinator.look()));
  coordinator.start();
  const manifestOf = (content: Parameters<ManifestsView['find']>[0]) => manifests.find(content);
  const insist = (facts: Readonly<Record<string, unknown>>) => audit.insist('order', facts);
  const desk = new RolloutDesk({ mesh, book, coordinator, fleet, manifestOf, orderContext, insist, clock });
  return { book, fleet, coordinator, desk };
}
