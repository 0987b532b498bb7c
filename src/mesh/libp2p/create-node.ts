/** The libp2p node as we want it: which transports, which services, which bounds. */
import { createHash, type KeyObject } from 'node:crypto';
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { dcutr } from '@libp2p/dcutr';
import { type GossipSub, type GossipSubComponents, gossipsub, StrictNoSign } from '@libp2p/gossipsub';
import { identify } from '@libp2p/identify';
import type { Libp2p, PeerId } from '@libp2p/interface';
import { mdns } from '@libp2p/mdns';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { tls } from '@libp2p/tls';
import { webSockets } from '@libp2p/websockets';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import { type MeshId, MiB } from '../../core/index.ts';
import { PROTOCOL_LIMITS } from '../../protocol/index.ts';
import { seedOf } from '../../trust/index.ts';
import { MESH_LIMITS } from '../limits.ts';
import type { Admissions } from './admissions.ts';
import { withAdmission } from './admitted-components.ts';

export interface NodeOptions {
  readonly nodeKey: KeyObject;
  readonly meshId: MeshId;
  /** Multiaddrs; `/p2p-circuit` is added. */
  readonly listen: readonly string[];
  readonly mdns: boolean;
  readonly relayServer: boolean;
  readonly admissions: Admissions;
  readonly isNuisance: (peerId: PeerId) => boolean;
}

export type Libp2pNode = Libp2p<{ pubsub: GossipSub }>;

/** The gossip topic of a mesh (docs/spec/02-records.md §6.1). */
export function topicOf(meshId: MeshId): string {
  return `/atmosphere/records/1/${hashOf(meshId).slice(0, 16)}`;
}

export async function createNode(options: NodeOptions): Promise<Libp2pNode> {
  const { admissions } = options;
  const node = await createLibp2p({
    start: false,
    privateKey: await generateKeyPairFromSeed('Ed25519', seedOf(options.nodeKey)),
    addresses: { listen: [...options.listen, '/p2p-circuit'] },
    transports: [tcp(), webSockets(), (components) => circuitRelayTransport()(withAdmission(components, admissions))],
    connectionEncrypters: [tls(), noise()],
    streamMuxers: [yamux()],
    connectionManager: {
      maxConnections: MESH_LIMITS.maxConnections,
      maxParallelDials: MESH_LIMITS.parallelDials,
      maxIncomingPendingConnections: MESH_LIMITS.pendingConnections,
      inboundConnectionThreshold: MESH_LIMITS.inboundPerSecond,
      dialTimeout: MESH_LIMITS.dialTimeoutMs,
      inboundUpgradeTimeout: MESH_LIMITS.admissionTimeoutMs,
      // Reconnecting is the dialer's, with its own back-off.
      reconnectRetries: 0,
    },
    connectionGater: {
      denyDialMultiaddr: () => false,
      denyInboundEncryptedConnection: (peerId) => options.isNuisance(peerId),
    },
    peerDiscovery: options.mdns ? [mdns({ serviceTag: serviceTagOf(options.meshId) })] : [],
    services: {
      identify: identify(),
      pubsub: (components: GossipSubComponents) =>
        gossipsub(gossipOptions(options.meshId))(withAdmission(components, admissions)),
      dcutr: (components) => dcutr()(withAdmission(components, admissions)),
      // Only members get here. The usual bounds of 128 KiB and two minutes are for strangers' signalling: a model passes here
      // when nothing else lets it through.
      ...(options.relayServer && {
        relay: (components: Parameters<ReturnType<typeof circuitRelayServer>>[0]) =>
          circuitRelayServer(RELAY_OPTIONS)(withAdmission(components, admissions)),
      }),
    },
  });
  return node as unknown as Libp2pNode;
}

const RELAY_OPTIONS: Parameters<typeof circuitRelayServer>[0] = {
  reservations: { applyDefaultLimit: false, maxReservations: MESH_LIMITS.relayReservations },
  maxInboundHopStreams: MESH_LIMITS.relayedPerPeer,
};

function gossipOptions(meshId: MeshId): Parameters<typeof gossipsub>[0] {
  return {
    // Records carry their own signatures; the id is over all bytes, so that a forgery never shadows the true record.
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: (message) => createHash('sha256').update(message.data).digest(),
    allowedTopics: [topicOf(meshId)],
    fallbackToFloodsub: false,
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    doPX: false,
    runOnLimitedConnection: true,
    maxInboundDataLength: PROTOCOL_LIMITS.recordBytes + 64 * 1024,
    maxOutboundBufferSize: 16 * MiB,
    // Many nodes on one machine, or behind one router, are no attack here: each is certified.
    scoreParams: { IPColocationFactorWeight: 0 },
  };
}

/** Different meshes on one LAN never meet: each asks for a name of its own. */
function serviceTagOf(meshId: MeshId): string {
  return `_atm-${hashOf(meshId).slice(0, 8)}._udp.local`;
}

function hashOf(meshId: MeshId): string {
  return createHash('sha256').update(meshId).digest('hex');
}
