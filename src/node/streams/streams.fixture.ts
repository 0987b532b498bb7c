/** Nodes over real libp2p on loopback that serve blobs to each other, for tests. */
import { silentLogger, systemClock } from '../../core/index.ts';
import { Libp2pTransport } from '../../mesh/libp2p/libp2p-transport.ts';
import type { AdmissionGate } from '../../mesh/transport.ts';
import { BLOB_STREAM_PROTOCOL } from '../../protocol/index.ts';
import { eventually, nextTurn } from '../../testkit/eventually.ts';
import type { TestBlob } from '../../testkit/hostile-http-server.ts';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { StreamPieceSource } from '../../transfer/index.ts';
import { BlobStreams, type BlobStreamsOptions, type StreamedContent } from './blob-streams.ts';

const openGate: AdmissionGate = { hello: () => ({}), check: () => undefined };
const mesh = makeTestMesh('streams');
let members = 0;

export async function startTransport(relayServer = false): Promise<Libp2pTransport> {
  members += 1;
  const identity = mesh.member(`node ${members}`);
  const listen = ['/ip4/127.0.0.1/tcp/0'];
  const more = { mdns: false, clock: systemClock, logger: silentLogger };
  const transport = new Libp2pTransport({ identity, gate: openGate, listen, relayServer, ...more });
  await transport.start();
  return transport;
}

/** A blob as a node has it. */
export function contentOf(blob: TestBlob): StreamedContent {
  const isIt = (sha256: string): boolean => sha256 === blob.blob.sha256;
  return {
    async openBlob(sha256) {
      if (!isIt(sha256)) return undefined;
      const read = async (buffer: Buffer, position: number): Promise<number> => blob.content.copy(buffer, 0, position);
      return { sizeBytes: blob.content.length, read, close: async () => {} };
    },
    openHolding: async (sha256) =>
      isIt(sha256)
        ? {
            pieceRoot: blob.blob.pieceRoot,
            held: () => 'all',
            onChange: () => () => {},
            async [Symbol.asyncDispose]() {},
          }
        : undefined,
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

export async function join(one: Libp2pTransport, other: Libp2pTransport, addresses = other.addresses()): Promise<void> {
  await one.connect(other.nodeId, addresses);
  await eventually(nextTurn, () => other.peers().includes(one.nodeId));
}

export function sourceOn(transport: Libp2pTransport, holder: Libp2pTransport, blob: TestBlob): StreamPieceSource {
  const { nodeId } = holder;
  const openStream = (signal: AbortSignal) => transport.openStream(nodeId, BLOB_STREAM_PROTOCOL, signal);
  return new StreamPieceSource({ id: nodeId, nodeId, blob: blob.blob, openStream });
}

/** A holder and an asker that are joined by a relay only. */
export async function joinByRelay(asker: Libp2pTransport, holder: Libp2pTransport, relay: Libp2pTransport) {
  await join(holder, relay);
  await join(asker, relay);
  await eventually(nextTurn, () => holder.addresses().some((address) => address.includes('/p2p-circuit')));
  const throughRelay = holder.addresses().filter((address) => address.includes('/p2p-circuit'));
  await join(asker, holder, throughRelay);
}
