/**
 * Getting packages from other nodes: who offers, which to take, the pull, and the install at its end. Pulls belong to the node: they go
 * on when nobody follows, and after a restart. Spec: docs/spec/24-local-network.md §6.
 */
import type { Clock, Logger, NodeId } from '../../../core/index.ts';
import type { LocalNetworkOptions } from '../../../lan/index.ts';
import type { Mesh } from '../../../mesh/index.ts';
import { compareTiers, compareVersions, type PackageTier } from '../../../protocol/index.ts';
import type { ModelCatalog } from '../../../registry/index.ts';
import { eventQueue } from '../../control/event-queue.ts';
import { nearestNames } from '../../control/nearest-names.ts';
import type { TransferService } from '../../pull/transfer-service.ts';
import type { TransferFailure, TransferSnapshot } from '../../pull/transfer-snapshot.ts';
import { PackageError } from '../errors.ts';
import { PACKAGE_LIMITS } from '../limits.ts';
import type { InstallEvent, InstalledPackages } from '../ports.ts';
import { type FoundGateway, findGateways } from './find-gateways.ts';
import { awaitOffers, heardOffers, type Promised } from './heard-offers.ts';
import type { PackageSink } from './package-sink.ts';
import { type HeardOffer, planSync, type SyncPlan } from './plan-sync.ts';

export interface SyncDeps {
  readonly mesh: Pick<Mesh, 'nodeId' | 'meshId' | 'peers' | 'reach'>;
  readonly catalog: Pick<ModelCatalog, 'events' | 'getAllPackages' | 'getNodes'>;
  readonly transfers: Pick<TransferService, 'start'>;
  readonly packages: Pick<InstalledPackages, 'list'>;
  readonly sink: Pick<PackageSink, 'events'>;
  readonly ownTier: () => PackageTier;
  /** This node looks for others, and shows itself, on the local network. */
  readonly mdns: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Other networks than the machine's, for tests. */
  readonly network?: Pick<LocalNetworkOptions, 'port' | 'interfaces'>;
}

export interface SyncOrder {
  readonly from?: NodeId | undefined;
  readonly discover: boolean;
  readonly id?: string | undefined;
  readonly version?: string | undefined;
  readonly tier?: PackageTier | undefined;
  readonly waitMs?: number | undefined;
}

export type SyncEvent =
  | { readonly on: 'found'; readonly gateway: FoundGateway }
  | { readonly on: 'note'; readonly message: string }
  | { readonly on: 'chosen'; readonly offer: HeardOffer }
  | { readonly on: 'transfer'; readonly offer: HeardOffer; readonly snapshot: TransferSnapshot }
  | { readonly on: 'install'; readonly offer: HeardOffer; readonly event: InstallEvent }
  | { readonly on: 'synced'; readonly offer: HeardOffer }
  | { readonly on: 'current'; readonly id: string; readonly version: string }
  | { readonly on: 'failed'; readonly id: string; readonly failure: TransferFailure };

/** Throws PackageError `no_gateway`, `nothing_to_sync`, `package_not_offered`, `downgrade_refused`; how pulls end is in the events. */
export async function* syncPackages(deps: SyncDeps, order: SyncOrder, signal: AbortSignal): AsyncGenerator<SyncEvent> {
  const gateways = order.discover ? yield* discover(deps, order, signal) : [];
  if (order.from !== undefined) await awaitOffers([{ nodeId: order.from, packages: [] }], waitOf(deps), signal);
  const offers = heardOffers(deps.catalog);
  const installed = deps.packages.list().map(({ current }) => current);
  if (installed.length === 0 && order.id === undefined) throw nothingToSync(offers);
  const plans = planSync({ ...order, offers, installed, ownTier: deps.ownTier() });
  for (const plan of plans) yield* follow(deps, order, { plan, offers, gateways }, signal);
}

/** Connects to gateways of this mesh, and waits for what they offer to be known. */
async function* discover(deps: SyncDeps, order: SyncOrder, signal: AbortSignal): AsyncGenerator<SyncEvent, NodeId[]> {
  const waitMs = order.waitMs ?? PACKAGE_LIMITS.gatewayWaitMs;
  const promised: Promised[] = [];
  for await (const gateway of findGateways({ ...deps, waitMs }, signal)) {
    yield { on: 'found', gateway };
    const { nodeId, packages } = gateway.claim;
    if (gateway.isConnected) promised.push({ nodeId, packages });
  }
  if (promised.length === 0) throw noGateway(waitMs, deps.mdns);
  const silent = await awaitOffers(promised, waitOf(deps), signal);
  for (const nodeId of silent)
    yield { on: 'note', message: `${nodeId} shows packages on the local network that it does not offer in the mesh` };
  return promised.map(({ nodeId }) => nodeId);
}

function noGateway(waitMs: number, mdns: boolean): PackageError {
  const heard = `none of this mesh was heard in ${waitMs / 1000} s`;
  const told = mdns ? '' : '; this node was started with --no-mdns, and a gateway that was shows itself to nobody';
  return new PackageError('no_gateway', `Looking for a gateway: ${heard}${told}`, { data: { waitMs, mdns } });
}

function waitOf({ catalog, clock }: SyncDeps) {
  return { catalog, clock, patienceMs: PACKAGE_LIMITS.offersWaitMs };
}

interface Planned {
  readonly plan: SyncPlan;
  readonly offers: readonly HeardOffer[];
  readonly gateways: readonly NodeId[];
}

/** One package. A plan that leads nowhere is an error where it was asked for by name, a note beside others. */
async function* follow(
  deps: SyncDeps,
  order: SyncOrder,
  { plan, offers, gateways }: Planned,
  signal: AbortSignal,
): AsyncGenerator<SyncEvent> {
  if (plan.kind === 'get') return yield* getFirstGood(deps, plan.candidates, [order.from, ...gateways], signal);
  if (plan.kind === 'current') return yield { on: 'current', id: plan.id, version: plan.version };
  const problem = problemOf(plan, offers, order);
  if (order.id !== undefined && (plan.kind !== 'older' || order.version !== undefined)) throw problem;
  yield { on: 'note', message: problem.message };
  if (plan.kind === 'older') yield { on: 'current', id: plan.id, version: plan.installed };
}

/** One that turns out not to be what it says, or not to count here, does not keep the next best from being tried. */
async function* getFirstGood(
  deps: SyncDeps,
  candidates: readonly HeardOffer[],
  preferred: readonly (NodeId | undefined)[],
  signal: AbortSignal,
): AsyncGenerator<SyncEvent> {
  for (const [index, offer] of candidates.entries()) {
    yield { on: 'chosen', offer };
    const failure = yield* getOne(deps, offer, preferred, signal);
    if (failure === undefined) return yield { on: 'synced', offer };
    const isLast = index === candidates.length - 1;
    // Also one that nobody hands out: who shows what it never gives keeps nothing of others from anybody.
    const isOfThisNode = failure.kind === 'storage' || failure.kind === 'cancelled';
    if (isLast || isOfThisNode) return yield { on: 'failed', id: offer.offer.id, failure };
    yield { on: 'note', message: failure.message };
  }
}

/** Pulls it, and with its last byte it is installed (`package-sink.ts`). Says why not. */
async function* getOne(
  { transfers, sink }: SyncDeps,
  offer: HeardOffer,
  preferred: readonly (NodeId | undefined)[],
  signal: AbortSignal,
): AsyncGenerator<SyncEvent, TransferFailure | undefined> {
  const preferredNodeId = preferred.find((nodeId) => nodeId !== undefined && offer.nodeIds.includes(nodeId));
  const queue = eventQueue<SyncEvent>(signal);
  const stopSink = sink.events.on(({ sha256, event }) => {
    if (sha256 === offer.entry.sha256) queue.push({ on: 'install', offer, event });
  });
  const transfer = transfers.start({ target: { entry: offer.entry, preferredNodeId } });
  const stop = transfer.events.on((snapshot) => {
    queue.push({ on: 'transfer', offer, snapshot });
    if (transfer.isOver) queue.end();
  });
  try {
    if (!transfer.isOver) yield* queue;
    return transfer.snapshot().error;
  } finally {
    stop();
    stopSink();
  }
}

function nothingToSync(offers: readonly HeardOffer[]): PackageError {
  const names = [...new Set(offers.map(({ offer }) => offer.id))].sort().slice(0, NAMES_SHOWN);
  const offered = names.length === 0 ? 'and nobody offers one' : `offered: ${names.join(', ')}`;
  return new PackageError('nothing_to_sync', `Getting packages: none is installed here to be updated, ${offered}`, {
    data: { offered: names },
  });
}

const NAMES_SHOWN = 20;

type OtherTier = Extract<SyncPlan, { readonly kind: 'other_tier' }>;
type Problem = Exclude<SyncPlan, { readonly kind: 'get' | 'current' }>;

function problemOf(plan: Problem, offers: readonly HeardOffer[], { from }: SyncOrder): PackageError {
  const { id } = plan;
  if (plan.kind === 'not_offered') return notOffered(id, offers);
  const what = `Getting ${id} ${plan.version}`;
  if (plan.kind === 'older')
    return new PackageError('downgrade_refused', `${what}: ${plan.installed} is installed, which is newer`, {
      data: { id, version: plan.version, installed: plan.installed },
    });
  const { wanted, offered } = plan;
  return new PackageError('package_not_offered', `${what}: it is offered as ${offered.join(' and ')}, not ${wanted}`, {
    data: { id, version: plan.version, wanted, offered, try: tryOffered(plan, from) },
  });
}

/** The largest of those that fit, else the smallest that there is. */
function tryOffered({ id, wanted, offered }: OtherTier, from: NodeId | undefined): string {
  const tier = offered.findLast((one) => compareTiers(one, wanted) < 0) ?? offered[0];
  return `atmosphere package sync ${id} ${from === undefined ? '--discover' : `--from ${from}`} --tier ${tier}`;
}

/** With the versions that there are of it, else the packages that are called nearly so. */
function notOffered(id: string, offers: readonly HeardOffer[]): PackageError {
  const versions = new Set(offers.filter(({ offer }) => offer.id === id).map(({ offer }) => offer.version));
  const ids = offers.map(({ offer }) => offer.id);
  const offered = [...versions].sort(compareVersions).slice(-NAMES_SHOWN).join(', ');
  const clause = offered !== '' ? `what was asked for; offered is ${offered}` : `it now; ${nearestOffers(id, ids)}`;
  return new PackageError('package_not_offered', `Getting ${id}: nobody offers ${clause}`, { data: { id } });
}

function nearestOffers(id: string, ids: readonly string[]): string {
  return ids.length === 0 ? 'nor any other package' : nearestNames(id, ids);
}
