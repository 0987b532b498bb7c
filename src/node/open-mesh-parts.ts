/** This node among others: identity, mesh, TLS identity, the merged catalog. */
import { type Clock, type NodeId, systemRandom } from '../core/index.ts';
import { type Mesh, openMesh } from '../mesh/index.ts';
import { ModelCatalog } from '../registry/index.ts';
import { openIdentity, readTlsPeer, verifyToken } from '../trust/index.ts';
import { CatalogFeeder } from './catalog-feeder.ts';
import type { Surroundings } from './surroundings.ts';
import { TlsKeeper } from './tls-keeper.ts';

export interface MeshParts {
  readonly mesh: Mesh;
  readonly tls: TlsKeeper;
  readonly catalog: ModelCatalog;
}

export interface PeerFacts {
  readonly nodeId: NodeId;
  readonly role: string;
}

export interface BearerFacts {
  readonly subject: string;
  /** Of the member who made the token: it can give no more than it has. */
  readonly role: string;
}

export async function openMeshParts(around: Surroundings, stack: AsyncDisposableStack): Promise<MeshParts> {
  const { config, name, home, registry, clock, logger } = around;
  const mesh = openMesh({
    identity: openIdentity(home.folder, { nodeName: name, nowMs: clock.nowMs() }),
    nodeName: name,
    ...{ records: registry.records, peers: registry.peers, invites: registry.invites },
    listen: listenAddresses(config.httpHost, config.meshPort),
    ...{ mdns: config.mdns, relayServer: config.relayServer, clock, logger, random: systemRandom },
  });
  await mesh.start();
  stack.defer(() => mesh.stop());
  const tls = stack.use(await TlsKeeper.open(mesh, clock, logger));
  const catalog = new ModelCatalog({ clock });
  stack.defer(() => catalog.close());
  const feeder = stack.use(new CatalogFeeder({ mesh, catalog, clock, logger }));
  feeder.start();
  return { mesh, tls, catalog };
}

/** TCP on the mesh port, WebSocket on the next one; both any free one for 0. */
function listenAddresses(host: string | undefined, port: number): string[] {
  const address = host ?? '0.0.0.0';
  const family = address.includes(':') ? 'ip6' : 'ip4';
  return [`/${family}/${address}/tcp/${port}`, `/${family}/${address}/tcp/${port === 0 ? 0 : port + 1}/ws`];
}

/** Throws TrustError for a certificate that is not of a current member of this mesh. */
export function readMember(mesh: Mesh, clock: Clock, certificateDer: Uint8Array): PeerFacts {
  const isRevoked = mesh.isRevoked.bind(mesh);
  const { nodeId, certificate } = readTlsPeer(certificateDer, { meshId: mesh.meshId, nowMs: clock.nowMs(), isRevoked });
  return { nodeId, role: certificate.role };
}

/** Throws TrustError for a token that does not let its bearer read models here. */
export async function verifyBearer(mesh: Mesh, clock: Clock, bearer: string): Promise<BearerFacts> {
  const { subject, issuer } = await verifyToken(bearer, {
    ...{ meshId: mesh.meshId, nodeId: mesh.nodeId, scope: 'models:read', nowMs: clock.nowMs() },
    certificateOf: mesh.certificateOf.bind(mesh),
    isRevoked: mesh.isRevoked.bind(mesh),
  });
  return { subject, role: mesh.certificateOf(issuer)?.role ?? 'member' };
}
