/**
 * Deployment at this node: what the mesh and the owner want here, the reconciler that brings it about, and what the mesh is told of
 * it. Spec: docs/spec/17-deployment.md. Nothing is fetched before `start`; the journal is read when it is opened.
 */
import { type Clock, every, type Logger, messageOf } from '../../core/index.ts';
import { type Deployed, type Desired, type Fleet, type Gate, type Prober, Reconciler } from '../../deploy/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import type { ModelManifest, UpdateCommand } from '../../protocol/index.ts';
import type { ModelCatalog, Registry } from '../../registry/index.ts';
import type { RuntimeProbe } from '../../runtimes/index.ts';
import type { AccessPolicy } from '../access/access-policy.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { ConsentDesk } from '../consent/consent-desk.ts';
import { followKind } from '../follow-kind.ts';
import type { ModelLibrary } from '../library/model-library.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { Askable } from '../pull/holder-wait.ts';
import type { TransferService } from '../pull/transfer-service.ts';
import { SpacedCalls } from '../spaced-calls.ts';
import { auditOf } from './audit-sink.ts';
import { type DeploymentMetrics, toDeploymentMetrics } from './deployment-metrics.ts';
import { FleetWishes } from './fleet-wishes.ts';
import { DeploymentJournal } from './journal.ts';
import { ModelFetcher } from './model-fetcher.ts';
import { ModelFolders } from './model-folders.ts';
import { OrderBook, publishOrder } from './orders.ts';
import type { DeprecationsView, ManifestsView, NodesView, RulesView } from './ports.ts';
import type { RolloutBook } from './rollout-book.ts';
import { StatusBook } from './status-book.ts';
import { StatusPublisher } from './status-publisher.ts';

export interface DeploymentOptions {
  readonly home: string;
  readonly mesh: Mesh;
  readonly catalog: ModelCatalog;
  readonly registry: Pick<Registry, 'deployments' | 'pins'>;
  readonly library: ModelLibrary;
  readonly transfers: TransferService;
  readonly askable: Askable;
  readonly access: AccessPolicy;
  readonly audit: AuditTrail;
  readonly consent: ConsentDesk;
  /** URL templates. */
  readonly mirrors: readonly string[];
  readonly nodes: NodesView;
  readonly manifests: ManifestsView;
  readonly rules: RulesView;
  readonly deprecations: DeprecationsView;
  readonly rollouts: RolloutBook;
  readonly gate: Gate;
  readonly runtime: RuntimeProbe;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Deployment {
  readonly nodes: NodesView;
  readonly manifests: ManifestsView;
  readonly statuses: StatusBook;
  readonly wishes: FleetWishes;
  /** What is deployed here, by model id. */
  rows(): readonly Deployed[];
  /** Where the files lie that are in force, and others of a model. */
  readonly folders: ModelFolders;
  /** Gives an order to the mesh, this node included. Throws MeshError `record_refused`. */
  order(command: UpdateCommand): void;
  pin(manifest: ModelManifest): void;
  /** False where nothing was pinned. */
  unpin(modelId: ModelManifest['model_id']): boolean;
  /** Model ids that the owner holds fast. */
  pins(): readonly ModelManifest['model_id'][];
  metrics(): DeploymentMetrics;
  desired(): Promise<readonly Desired[]>;
  fleet(): Fleet;
  /** Begins to compare and act. */
  start(): Promise<void>;
  /** Something that plans rest on has changed. */
  wake(): void;
}

export function openDeployment(options: DeploymentOptions, stack: AsyncDisposableStack): Deployment {
  const { home, mesh, library, clock, logger, registry, nodes, manifests } = options;
  const journal = new DeploymentJournal(registry.deployments);
  const folders = new ModelFolders(home, library);
  const statuses = stack.use(new StatusBook({ mesh, logger }));
  const publisher = stack.use(new StatusPublisher({ mesh, rows: () => journal.list(), clock, logger }));
  let wake = (): void => {};
  const orders = stack.use(new OrderBook(mesh, () => wake()));
  const wishes = new FleetWishes({ ...options, orders, journal, statuses, pins: registry.pins });
  const unagreed = (sources: readonly string[]) => options.consent.unagreed(sources);
  const fetcher = new ModelFetcher({ ...options, nodeId: mesh.nodeId, unagreed });
  const prober: Prober = {
    probe: async (manifest, signal) =>
      options.runtime.probe({ manifest, path: await folders.pathOf(manifest) }, signal),
  };
  const reconciler = new Reconciler({
    ...{ wishes, store: journal, fetcher, prober, activator: folders, clock, logger },
    gate: options.gate,
    status: { changed: () => publisher.changed() },
    audit: auditOf(options.audit),
  });
  wake = () => reconciler.wake();
  for (const stop of [...rightsOf(options, wishes), ...wakers(options, reconciler)]) stack.defer(stop);
  stack.use(reconciler);
  stack.defer(() => {
    fetcher.isClosing = true;
  });
  return {
    ...{ nodes, manifests, statuses, wishes, folders, wake },
    rows: () => journal.list(),
    order: (command) => publishOrder(mesh, command),
    pin({ model_id: modelId, version, sha256 }) {
      registry.pins.put({ modelId, version, sha256, pinnedAtMs: clock.nowMs() });
      wake();
    },
    unpin(modelId) {
      const was = registry.pins.delete(modelId);
      wake();
      return was;
    },
    pins: () => registry.pins.list().map(({ modelId }) => modelId),
    metrics: () =>
      toDeploymentMetrics(
        statuses.all().map(({ models }) => models),
        clock.nowMs(),
      ),
    desired: () => wishes.desired(),
    fleet: () => wishes.fleet(),
    async start() {
      publisher.start();
      await reconciler.start();
    },
  };
}

/** Before anybody is woken by the same. */
function rightsOf({ access, mesh }: DeploymentOptions, wishes: FleetWishes): (() => void)[] {
  return [access.changes.on(() => wishes.forgetRights()), followKind(mesh, 'certificate', () => wishes.forgetRights())];
}

/** Whatever may change what should be here, or whether it can be had. */
function* wakers(options: DeploymentOptions, reconciler: Reconciler): Generator<() => void> {
  const { access, nodes, manifests, rules, rollouts, deprecations, mesh, catalog, library, clock } = options;
  const wake = (): void => reconciler.wake();
  for (const { changes } of [access, nodes, manifests, rules, rollouts, deprecations]) yield changes.on(wake);
  yield mesh.membershipEvents.on(wake);
  yield catalog.events.on(({ type }) => {
    if (type === 'changed' || type === 'endpoints') reconciler.hurry((row) => isForWantOfHolders(row, catalog));
  });
  const { deploymentCheckEveryMs: everyMs, deploymentPlanEveryMs } = NODE_LIMITS;
  const rechecks = new SpacedCalls({ clock, burst: 1, everyMs, act: () => recheck(options, reconciler) });
  yield () => rechecks[Symbol.dispose]();
  yield library.changes.on(() => rechecks.call());
  yield every(clock, deploymentPlanEveryMs, wake);
}

/** Somebody may have deleted what is deployed. */
function recheck({ logger }: DeploymentOptions, reconciler: Reconciler): void {
  reconciler
    .recheck()
    .catch((thrown: unknown) => logger.warn({ err: messageOf(thrown) }, 'looking for deployed models failed'));
}

function isForWantOfHolders({ error, sha256 }: Deployed, catalog: ModelCatalog): boolean {
  const isUnreached = error !== undefined && FOR_WANT_OF_HOLDERS.has(error.code);
  return isUnreached && catalog.claimsOf(sha256).length > 0;
}

const FOR_WANT_OF_HOLDERS = new Set(['holder_offline', 'no_sources', 'transfer_failed', 'timed_out']);
