/** One node of the bench in a process of its own: does what its parent says, and tells how long it took. */
import { once } from 'node:events';
import { MiB } from '../../src/core/index.ts';
import { testBlob } from '../../src/testkit/hostile-http-server.ts';
import { contentOf, relayedAddresses, serveOn, sourceOn, startLibp2pNode } from '../../src/testkit/libp2p-nodes.ts';
import { MemoryPieceSink } from '../../src/testkit/memory-piece-sink.ts';
import { SeededBytes } from '../../src/testkit/seeded-bytes.ts';
import { download } from '../../src/transfer/index.ts';

const RAW_PROTOCOL = '/atmosphere/bench-raw/1';
const RAW_CHUNK_BYTES = MiB / 2;

const [name = '', sizeMiB = '64'] = process.argv.slice(2);
const blob = testBlob(new SeededBytes('sources').next(Number(sizeMiB) * MiB));
const node = await startLibp2pNode(name, name === 'relay');
const never = new AbortController().signal;
const peer = { id: '' as typeof node.nodeId };

function serve(): void {
  const { content } = blob;
  serveOn(node, contentOf(blob));
  node.handleStream(RAW_PROTOCOL, async (_from, stream) => {
    stream.receive({ bytes: () => {}, ended: () => {} });
    for (let at = 0; at < content.length; at += RAW_CHUNK_BYTES)
      await stream.send(content.subarray(at, at + RAW_CHUNK_BYTES));
    await stream.close();
  });
}

/** The engine alone: bytes are counted and nothing else. */
async function readRaw(): Promise<void> {
  const stream = await node.openStream(peer.id, RAW_PROTOCOL, never);
  const { promise, resolve } = Promise.withResolvers<void>();
  let got = 0;
  stream.receive({
    bytes(chunk) {
      got += chunk.length;
      if (got === blob.content.length) resolve();
    },
    ended: () => resolve(),
  });
  await promise;
  if (got !== blob.content.length) throw new Error(`the raw stream ended after ${got} bytes`);
  await stream.close();
}

/** The source: exact ranges, asked part by part, and nothing done with them. */
async function readSource(): Promise<void> {
  const lane = await sourceOn(node, peer.id, blob).openLane(never);
  await lane.read({ start: 0, end: blob.content.length }, () => {}, never);
  lane.close();
}

/** Used over and over: fresh memory would cost half a CPU second a GiB, which is not the transfer's. */
const memory = Buffer.alloc(blob.content.length);

/** All of it: pieces and whole verified, into memory. */
async function readVerified(): Promise<void> {
  const sink = new MemoryPieceSink(memory.length, { bytes: memory });
  await download({ blob: blob.blob, sink, sources: [sourceOn(node, peer.id, blob)] }, never);
}

const WORK: Readonly<Record<string, () => Promise<void>>> = {
  raw: readRaw,
  source: readSource,
  verified: readVerified,
};

async function doOne(order: {
  readonly what: string;
  readonly nodeId?: string;
  readonly addresses?: readonly string[];
}) {
  if (order.what === 'connect') {
    peer.id = order.nodeId as typeof node.nodeId;
    await node.connect(peer.id, order.addresses ?? []);
    return { addresses: node.addresses() };
  }
  if (order.what === 'relayed') return { addresses: await relayedAddresses(node) };
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await WORK[order.what]?.();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedMs) / 1000;
  const isDirect = node.isDirect(peer.id);
  return { isDirect, seconds, cpuSeconds: (user + system) / 1e6, peakRssBytes: process.resourceUsage().maxRSS * 1024 };
}

if (name === 'holder') serve();
process.on('message', (order: Parameters<typeof doOne>[0]) => {
  doOne(order).then(
    (answer) => process.send?.(answer),
    (thrown: unknown) => process.send?.({ error: String(thrown) }),
  );
});
process.send?.({ nodeId: node.nodeId, addresses: node.addresses() });
await once(process, 'disconnect');
process.exit(0);
