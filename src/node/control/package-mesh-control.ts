/** Packages and other nodes: getting them, what is offered, what this site has. Spec: docs/spec/24-local-network.md §6–§8. */
import type { ControlHandlers, PackageEvent, PackageOffer } from '../../api/index.ts';
import { AtmosphereError, messageOf, silentLogger } from '../../core/index.ts';
import { parsePackageId } from '../../protocol/index.ts';
import { tierOfHardware } from '../facts/own-facts.ts';
import { PACKAGE_LIMITS } from '../packages/limits.ts';
import { findGateways } from '../packages/mesh/find-gateways.ts';
import type { GatewayClaim } from '../packages/mesh/gateway-claim.ts';
import { heardOffers } from '../packages/mesh/heard-offers.ts';
import { type SyncEvent, syncPackages } from '../packages/mesh/package-sync.ts';
import { lookInto, type OfferLook, planUpdates, type UpdateRow } from '../packages/mesh/package-updates.ts';
import { siteInventory } from '../packages/mesh/site-inventory.ts';
import type { InstallEvent } from '../packages/ports.ts';
import type { TransferSnapshot } from '../pull/transfer-snapshot.ts';
import { nameOf, namesOf, withNames } from './known-names.ts';
import { findNode } from './mesh-control.ts';
import { PackageEvents, toConfigEvent } from './package-events.ts';
import { packageRows } from './package-rows.ts';
import type { NodeParts } from './parts.ts';

type PackageMeshControl = Pick<ControlHandlers, 'packageSync' | 'packageUpdates' | 'packageInventory'>;
type SyncBody = Parameters<ControlHandlers['packageSync']>[0]['body'];

export function packageMeshControl(parts: NodeParts): PackageMeshControl {
  return {
    packageSync: ({ body }, signal) => followSync(parts, body, signal),
    packageUpdates: async ({ query }, signal) => ({ offers: await listUpdates(parts, query.wait_s, signal) }),
    async packageInventory() {
      const { name, mesh, library, packages, store, clock } = parts;
      const { nodeId, meshId } = mesh;
      return siteInventory({ nodeId, name, meshId, models: library.list(), packages, store, clock });
    },
  };
}

/** The last event says how it ended. */
async function* followSync(parts: NodeParts, body: SyncBody, signal: AbortSignal): AsyncGenerator<PackageEvent> {
  const { wait_s } = body;
  const order = {
    from: body.from === undefined ? undefined : findNode(parts, body.from),
    discover: body.discover,
    id: body.id === undefined ? undefined : parsePackageId(body.id),
    version: body.version,
    tier: body.tier,
    waitMs: wait_s === undefined ? undefined : wait_s * 1000,
  };
  const { mesh, catalog, transfers, packages, packageSink: sink, clock, mdns } = parts;
  const ownTier = () => ownTierOf(parts);
  const deps = { mesh, catalog, transfers, packages, sink, ownTier, mdns, clock, logger: silentLogger };
  const synced: string[] = [];
  let failed: PackageEvent | undefined;
  yield { event: 'started' };
  try {
    for await (const event of syncPackages(deps, order, signal)) {
      if (event.on === 'synced') synced.push(event.offer.offer.id);
      if (event.on === 'failed') failed ??= toFailed(parts, event.failure, event.id);
      yield* toEvents(parts, event);
    }
  } catch (thrown) {
    if (!(thrown instanceof AtmosphereError)) throw thrown;
    failed = { ...toFailed(parts, { ...thrown, message: messageOf(thrown) }, body.id), ...tryOf(thrown) };
  }
  const rows = packageRows(parts).filter(({ id }) => synced.includes(id));
  yield failed ?? { event: 'completed', already_here: synced.length === 0, packages: rows };
}

export function ownTierOf({ nodes }: Pick<NodeParts, 'nodes'>) {
  const self = nodes.self();
  return self.tier ?? tierOfHardware(self.hardware);
}

function toFailed(
  parts: NodeParts,
  { code, message, kind }: { readonly code: string; readonly message: string; readonly kind: string },
  id: string | undefined,
): PackageEvent {
  return { event: 'failed', ...(id === undefined ? {} : { id }), error: withNames(parts, message), code, kind };
}

/** What the error knows to try. */
function tryOf({ data }: AtmosphereError): Pick<PackageEvent, 'data'> {
  return typeof data.try === 'string' ? { data: { try: data.try } } : {};
}

function toEvents(parts: NodeParts, event: SyncEvent): PackageEvent[] {
  if (event.on === 'install') return toInstallEvents(parts, event.offer.offer, event.event);
  const told = toEvent(parts, event);
  return told === undefined ? [] : [told];
}

/** Undefined for what says nothing to who follows. */
function toEvent(parts: NodeParts, event: Exclude<SyncEvent, { readonly on: 'install' }>): PackageEvent | undefined {
  switch (event.on) {
    case 'found': {
      const { claim, isOwnMesh, isConnected, problem } = event.gateway;
      const how = isConnected ? 'connected' : isOwnMesh ? `not reached: ${messageOf(problem)}` : 'of another mesh';
      const message = `${claim.name} at ${claim.address}, ${how}`;
      return { event: 'found', from: { node_id: claim.nodeId, name: claim.name }, message };
    }
    case 'note':
      return { event: 'note', message: withNames(parts, event.message) };
    case 'chosen': {
      const { offer, entry, nodeIds } = event.offer;
      const { id, version, tier } = offer;
      const from = nodeIds.slice(0, NODES_SHOWN).map((nodeId) => nameOf(parts, nodeId));
      const message = `${id} ${version} (${tier}) from ${from.join(', ')}`;
      return { event: 'step', step: 'fetch', id, version, tier, total_bytes: entry.size_bytes, message };
    }
    case 'transfer':
      return toProgress(event.offer.offer, event.snapshot);
    case 'synced': {
      const { id, version, tier } = event.offer.offer;
      return { event: 'note', id, version, tier, message: `${id} ${version} (${tier}) is installed` };
    }
    case 'current':
      return {
        event: 'note',
        id: event.id,
        version: event.version,
        message: `${event.id} ${event.version} is the newest there is`,
      };
    default:
      return { event: 'note', id: event.id, message: withNames(parts, event.failure.message) };
  }
}

const NODES_SHOWN = 5;

type Named = Pick<PackageEvent, 'id' | 'version' | 'tier'>;

function toProgress({ id, version, tier }: Named, snapshot: TransferSnapshot): PackageEvent | undefined {
  if (snapshot.state !== 'Downloading' && snapshot.state !== 'Verifying') return undefined;
  return {
    ...{ event: 'progress', step: 'fetch', id, version, tier },
    ...{ done_bytes: snapshot.bytesDownloaded, total_bytes: snapshot.totalBytes },
    ...{ rate_bytes_per_second: snapshot.rateBytesPerSecond, eta_seconds: snapshot.etaSeconds },
  };
}

/** What the pull has told already is not told again. */
function toInstallEvents(parts: NodeParts, { id, version, tier }: Named, event: InstallEvent): PackageEvent[] {
  if (event.on === 'progress') return [];
  if (event.on === 'installed') return event.config.map((change) => ({ ...toConfigEvent(change), id }));
  return [{ ...new PackageEvents(parts.clock).of(event), id, version, tier }];
}

async function listUpdates(parts: NodeParts, waitS: number | undefined, signal: AbortSignal): Promise<PackageOffer[]> {
  const { catalog, packages, clock, mesh } = parts;
  const waitMs = waitS === undefined ? PACKAGE_LIMITS.updatesWaitMs : waitS * 1000;
  const claims: GatewayClaim[] = [];
  if (waitMs > 0)
    for await (const { claim } of findGateways({ mesh, clock, logger: silentLogger, waitMs }, signal))
      claims.push(claim);
  const installed = packages.list().map(({ current }) => current);
  const rows = planUpdates({ offers: heardOffers(catalog), claims, installed, ownTier: ownTierOf(parts) });
  const looked = rows.filter(isWorthALook).slice(0, PACKAGE_LIMITS.offersLookedInto);
  const looks = new Map<UpdateRow, OfferLook>();
  for (const row of looked)
    if (row.offer !== undefined)
      looks.set(row, await lookInto({ ...parts.peeking, judge: parts.packageTrust }, row.offer, signal));
  return rows.map((row) => toOffer(parts, row, looks.get(row)));
}

/** What is here already, or older, is not fetched to be told of. */
function isWorthALook({ isNewer, installedVersion, offer }: UpdateRow): boolean {
  return offer !== undefined && (isNewer || installedVersion === undefined);
}

function toOffer(parts: NodeParts, row: UpdateRow, look: OfferLook | undefined): PackageOffer {
  const known = namesOf(parts);
  const name = (nodeId: string): string => known(nodeId);
  return {
    ...{ id: row.id, version: row.version, tiers: [...row.tiers], tier: row.offer?.offer.tier ?? null },
    ...{ installed_version: row.installedVersion ?? null, newer: row.isNewer },
    size_bytes: row.offer?.entry.size_bytes ?? null,
    missing_bytes: look?.missingBytes ?? null,
    manifest_sha256: row.manifestSha256 ?? null,
    trusted: look?.isTrusted ?? null,
    note: look?.note ?? noteOf(row),
    offered_by: [
      ...row.meshNodes.map((nodeId) => ({ node_id: nodeId, name: name(nodeId), way: 'mesh' as const })),
      ...row.lanNodes.map(({ nodeId, name }) => ({ node_id: nodeId, name, way: 'lan' as const })),
    ],
  };
}

function noteOf({ meshNodes, offer, tier }: UpdateRow): string | null {
  if (meshNodes.length === 0) return 'only shown on the local network: a claim, which nobody has checked';
  if (offer === undefined && tier !== undefined) return `nobody offers it as ${tier}`;
  return offer === undefined ? 'it has no tier for a device this small' : null;
}
