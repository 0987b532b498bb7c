/** Nodes of the mesh engine on loopback that serve one blob: no records, no store, and everybody is admitted. */
import { silentLogger, systemClock } from '../core/index.ts';
import { Libp2pTransport } from '../mesh/libp2p/libp2p-transport.ts';
import type { AdmissionGate } from '../mesh/transport.ts';
import { BlobStreams, type BlobStreamsOptions, type StreamedContent } from '../node/streams/blob-streams.ts';
import { BLOB_STREAM_PROTOCOL } from '../protocol/index.ts';
import { StreamPieceSource } from '../transfer/index.ts';
import { eventually, nextTurn } from './eventually.ts';
import type { TestBlob } from './hostile-http-server.ts';
import { makeTestMesh } from './mesh-members.ts';

const openGate: AdmissionGate = { hello: () => ({}), check: () => undefined };
const mesh = makeTestMesh('libp2p nodes');

/** The same name is the same node, in any process. */
export async function startLibp2pNode(name: string, relayServer = false): Promise<Libp2pTransport> {
  const identity = mesh.member(name);
  const listen = ['/ip4/127.0.0.1/tcp/0'];
  const more = { mdns: false, clock: systemClock, logger: silentLogger };
  const transport = new Libp2pTransport({ identity, gate: openGate, listen, relayServer, ...more });
  await transport.start();
  return transport;
}

export async function joinNodes(
  one: Libp2pTransport,
  other: Libp2pTransport,
  addresses: readonly string[] = other.addresses(),
): Promise<void> {
  await one.connect(other.nodeId, addresses);
  await eventually(nextTurn, () => other.peers().includes(one.nodeId));
}

/** The addresses under which a node is reached through relays, when it has any. */
export async function relayedAddresses(node: Libp2pTransport): Promise<string[]> {
  const find = (): string[] => node.addresses().filter((address) => address.includes('/p2p-circuit'));
  await eventually(nextTurn, () => find().length > 0);
  return find();
}

/** A holder and an asker that are joined by a relay only. */
export async function joinByRelay(
  asker: Libp2pTransport,
  holder: Libp2pTransport,
  relay: Libp2pTransport,
): Promise<void> {
  await joinNodes(holder, relay);
  await joinNodes(asker, relay);
  await joinNodes(asker, holder, await relayedAddresses(holder));
}

/** A blob as a node has it. */
export function contentOf(blob: TestBlob): StreamedContent {
  const isIt = (sha256: string): boolean => sha256 === blob.blob.sha256;
  const { sha256, sizeBytes, pieceBytes, pieceRoot } = blob.blob;
  const holding = { sha256, sizeBytes, pieceBytes, pieceRoot, held: () => 'all' as const, onChange: () => () => {} };
  return {
    async openBlob(sha256) {
      if (!isIt(sha256)) return undefined;
      const read = async (buffer: Buffer, position: number): Promise<number> => blob.content.copy(buffer, 0, position);
      return { sizeBytes: blob.content.length, read, close: async () => {} };
    },
    openHolding: async (sha256) => (isIt(sha256) ? { ...holding, async [Symbol.asyncDispose]() {} } : undefined),
    pieceHashes: async (sha256) => (isIt(sha256) ? blob.pieces : undefined),
  };
}

export function serveOn(
  transport: Libp2pTransport,
  content: StreamedContent,
  more: Partial<BlobStreamsOptions> = {},
): BlobStreams {
  const streams = new BlobStreams({ content, roleOf: () => 'member', logger: silentLogger, ...more });
  transport.handleStream(BLOB_STREAM_PROTOCOL, (from, stream) => streams.serve(from, stream));
  return streams;
}

export function sourceOn(
  transport: Libp2pTransport,
  nodeId: Libp2pTransport['nodeId'],
  blob: TestBlob,
): StreamPieceSource {
  const openStream = (signal: AbortSignal) => transport.openStream(nodeId, BLOB_STREAM_PROTOCOL, signal);
  return new StreamPieceSource({ id: nodeId, nodeId, blob: blob.blob, openStream });
}
