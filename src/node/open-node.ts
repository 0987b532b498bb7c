/**
 * The composition root: opens the parts of a node in order, introduces them to each other, and closes them in the
 * opposite order. Knows no HTTP server: the daemon tells it where one listens. What a crash leaves at any line is
 * brought together by the next opening (store, library, transfers each compare again).
 */
import { hostname } from 'node:os';
import type { ControlHandlers, DaemonConfig } from '../api/index.ts';
import { type ByteGate, type Clock, type Logger, type NodeId, type Sha256, systemClock } from '../core/index.ts';
import { BLOB_STREAM_PROTOCOL } from '../protocol/index.ts';
import { acquireHomeLock, type CatalogEndpoints, type Registry } from '../registry/index.ts';
import { announcing } from './announcer.ts';
import { controlHandlers } from './control/control-handlers.ts';
import type { NodeParts } from './control/parts.ts';
import { Feedback } from './feedback.ts';
import { openHome, readMachineMark } from './home.ts';
import { followLoaded } from './loaded-contents.ts';
import { Manifests } from './manifests/manifests.ts';
import { Mirrors } from './mirrors.ts';
import { scannersOf, usualPlaces } from './model-places.ts';
import { openDeploying } from './open-deploying.ts';
import { openExchange } from './open-exchange.ts';
import { openFleet } from './open-fleet.ts';
import { type LibrarySurroundings, openLibraryParts } from './open-library.ts';
import { type BearerFacts, openMeshParts, type PeerFacts, readMember, verifyBearer } from './open-mesh-parts.ts';
import { openOversight } from './open-oversight.ts';
import { openPackageMesh } from './open-package-mesh.ts';
import { openPackages } from './open-packages.ts';
import { openStorage } from './open-storage.ts';
import { openTransfers } from './open-transfers.ts';
import { OfferBook } from './packages/mesh/offer-book.ts';
import { endpointsOf, plainMark } from './peer-endpoints.ts';
import { FetchBook } from './pull/fetch-book.ts';
import { probeAddress } from './rate/probe-address.ts';
import { RateControl, type Reader } from './rate/rate-control.ts';
import { openRelaying, type Relaying } from './relaying.ts';
import { runtimesHere } from './runtimes.ts';
import type { ServedModels } from './served-content.ts';
import { BlobStreams } from './streams/blob-streams.ts';
import type { FollowBook } from './streams/follow-book.ts';
import type { Surroundings } from './surroundings.ts';
import { SwarmView } from './swarm-view.ts';
import type { TlsKeeper } from './tls-keeper.ts';

export interface NodeOptions {
  readonly config: DaemonConfig;
  readonly programVersion: string;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Who follows which blob here, by whatever way; the HTTP edge counts in the same one. */
  readonly follows?: FollowBook;
  /** Asked for by the control API. */
  readonly onShutdown: () => void;
}

/** A node that is open: what an HTTP edge serves, and what it must be told. */
export interface OpenNode extends AsyncDisposable {
  readonly parts: NodeParts;
  readonly control: ControlHandlers;
  readonly content: ServedModels;
  readonly tls: TlsKeeper;
  /** Splice relays: being one, and being reached through others. */
  readonly relaying: Relaying;
  /** Who a TLS peer is; throws for anyone who is not a current member. */
  verifyPeer(certificateDer: Uint8Array): PeerFacts;
  /** Whom a bearer token was given to; throws for one that does not count. */
  verifyToken(bearer: string): Promise<BearerFacts>;
  /** What a blob's bytes have to pass on their way to a reader. */
  uploadGate(reader: Reader, sha256: Sha256, sizeBytes: number): ByteGate;
  /** HTTP listens: from now on the mesh is told. */
  announce(http: { readonly host: string; readonly port: number }): void;
}

/** Throws NodeError, RegistryError (`home_in_use`, `database_…`), StoreError, TrustError, MeshError. */
export async function openNode(options: NodeOptions): Promise<OpenNode> {
  const stack = new AsyncDisposableStack();
  try {
    return await assemble(options, stack);
  } catch (thrown) {
    await stack.disposeAsync();
    throw thrown;
  }
}

async function assemble(options: NodeOptions, stack: AsyncDisposableStack): Promise<OpenNode> {
  const { config, logger, clock = systemClock } = options;
  const home = await openHome(config.home);
  stack.use(acquireHomeLock(home.folder));
  const { registry, store } = await openStorage(config, home, logger, stack);
  const name = ownName(config.name, registry.settings);
  const surroundings = { config, name, home, registry, store, clock, logger };
  const { mesh, tls, catalog } = await openMeshParts(surroundings, stack);
  const scanners = scannersOf({
    ...(config.scanDefaults ? usualPlaces(process.env) : {}),
    folders: config.modelFolders,
  });
  const fetching = new FetchBook();
  const offers = new OfferBook();
  const { access, audit, consent, readGate, onRefusal } = openOversight(surroundings, mesh, stack);
  const parentOf: LibrarySurroundings['parentOf'] = (content) => manifests.find(content)?.parent_model;
  const served = { openLan: config.openLan, fetching, offers, readGate, onRefusal, parentOf };
  const around = { ...surroundings, ...served, scanners };
  const { library, content, differences, inventory, intake, viewWriter } = await openLibraryParts(around, stack);
  stack.defer(followLoaded(mesh, viewWriter));
  const manifests = stack.use(new Manifests({ mesh, access, library, rows: registry.manifests, clock, logger }));
  stack.defer(manifests.changes.on(() => differences?.contents.forget()));
  const machineMark = config.loopbackHttp ? await readMachineMark() : undefined;
  const statsOf = (nodeId: NodeId) => registry.reliability.get(nodeId);
  const feedback = stack.use(new Feedback({ mesh, statsOf, clock, logger }));
  feedback.start();
  const reach = (peer: CatalogEndpoints) => endpointsOf(peer, plainMark({ mesh, access, machineMark }));
  const addressOf = (nodeId: NodeId) => {
    const peer = catalog.getNodes().find((node) => node.nodeId === nodeId);
    return peer === undefined ? undefined : probeAddress(reach(peer.endpoints));
  };
  const rates = stack.use(new RateControl({ settings: registry.settings, addressOf, clock, logger }));
  const relaying = await openRelaying({ ...surroundings, mesh, tls }, stack);
  const view = swarmView(surroundings, { mesh, tls, catalog, feedback, relaying, reach });
  serveStreams(options, { mesh, content, rates });
  const packageMesh = openPackageMesh(surroundings, { mesh, catalog, library, offers }, () => packing, stack);
  const { packageSink } = packageMesh;
  const pulling = { view, models: packageSink, rates, fetching, differences: differences?.puller, audit };
  const { transfers, pieceHashes, freeBytes } = openTransfers(surroundings, pulling, stack);
  const runtimes = runtimesHere();
  const { nodes, rules, describe } = openFleet(surroundings, { mesh, catalog, manifests, runtimes, freeBytes }, stack);
  const exchanging = openExchange(surroundings, { mesh, catalog, library, access, manifests, nodes }, stack);

  const askable = { view, pieceHashes };
  const opened = { mesh, catalog, access, audit, consent, library, manifests, transfers, askable, runtimes, freeBytes };
  const deploying = openDeploying(surroundings, { ...opened, ...exchanging, nodes, rules, describe }, stack);

  const http = { url: '' };
  const httpUrl = () => http.url;
  const packing = await openPackages(surroundings, { ...opened, ...exchanging, nodes, httpUrl }, stack);
  await packageMesh.startOffering();
  // Pulls of packages end in installs, which close before the pulls do.
  stack.defer(() => transfers.beginClose());
  const parts: NodeParts = {
    ...{ name, home, clock, store, mesh, catalog, library, manifests, inventory, intake },
    ...{ transfers, differences, fetching, offers, rates, feedback, relaying, freeBytes },
    ...{ access, audit, consent, ...exchanging },
    ...{ runtimes, nodes, rules, ...deploying, ...packing, packageSink, peeking: { store, view, pieceHashes, clock } },
    mirrors: config.mirrors ?? [],
    mdns: config.mdns,
    programVersion: options.programVersion,
    startedAtMs: clock.nowMs(),
    httpUrl,
    shutDown: options.onShutdown,
  };
  return {
    ...{ parts, content, tls, relaying },
    control: controlHandlers(parts),
    verifyPeer: (certificateDer) => readMember(mesh, clock, certificateDer),
    verifyToken: (bearer) => verifyBearer(mesh, clock, bearer),
    uploadGate: (reader, sha256, sizeBytes) => rates.uploadGate(reader, sha256, sizeBytes),
    announce(address) {
      http.url = `http://${address.host === '::1' ? '[::1]' : '127.0.0.1'}:${address.port}`;
      const { gossipIntervalSeconds: periodSeconds, relays } = config;
      stack.use(announcing(parts, { http: address, machineMark, relays, periodSeconds, logger }));
      packageMesh.startShowing(address.port);
      transfers.resume();
      deploying.startDeploying();
      void packing.agents.apply();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Whom this node can ask for bytes, and how each is reached. */
function swarmView(
  { config, registry, clock, logger }: Surroundings,
  { mesh, tls, catalog, feedback, relaying, reach }: ReachingParts,
): SwarmView {
  return new SwarmView({
    ...{ catalog, reliability: registry.reliability, feedback, clock, logger },
    endpointsOf: reach,
    tls: () => tls.current,
    readPeer: (certificateDer) => readMember(mesh, clock, certificateDer).nodeId,
    relays: relaying.dialer,
    wsRelays: relaying.wsRelays,
    relaysOf: (nodeId) => catalog.getNodes().find((node) => node.nodeId === nodeId)?.endpoints.relays ?? [],
    openStream: (nodeId, signal) => mesh.openStream(nodeId, BLOB_STREAM_PROTOCOL, signal),
    isDirect: (nodeId) => mesh.isDirect(nodeId),
    mirrors: new Mirrors({ templates: config.mirrors ?? [], tokenFile: config.mirrorTokenFile, logger }),
  });
}

interface ReachingParts extends Pick<NodeParts, 'mesh' | 'catalog' | 'feedback' | 'relaying'>, Pick<OpenNode, 'tls'> {
  readonly reach: (peer: CatalogEndpoints) => ReturnType<typeof endpointsOf>;
}

/** Blobs on streams of the mesh, to members whom no connection reaches. */
function serveStreams({ follows, logger }: NodeOptions, { mesh, content, rates }: ServingParts): void {
  const roleOf = (nodeId: NodeId) => mesh.certificateOf(nodeId)?.role ?? 'member';
  const gateFor = (nodeId: NodeId, sha256: Sha256, sizeBytes: number) =>
    rates.uploadGate({ kind: 'peer', nodeId }, sha256, sizeBytes);
  const streams = new BlobStreams({ content, roleOf, gateFor, ...(follows === undefined ? {} : { follows }), logger });
  mesh.handleStream(BLOB_STREAM_PROTOCOL, (from, stream) => streams.serve(from, stream));
}

interface ServingParts extends Pick<NodeParts, 'mesh' | 'rates'> {
  readonly content: ServedModels;
}

/** The name given now, else the one given last, else the machine's: a restart without `--name` renames nothing. */
function ownName(given: string | undefined, settings: Registry['settings']): string {
  const last = settings.get('node_name');
  const name = given ?? (typeof last === 'string' ? last : hostname());
  if (name !== last) settings.set('node_name', name);
  return name;
}
