/** The edge in a process of its own, serving one file; says its CPU time and peak memory when it ends. */
import { open, readFile, stat } from 'node:fs/promises';
import type { Sha256 } from '../../src/core/index.ts';
import { openHttpEdge, type ServedBlob, type ServedContent } from '../../src/server/index.ts';

const [path = '', keyPath = '', certPath = ''] = process.argv.slice(2);
const { size: sizeBytes } = await stat(path);
const sha256 = 'ab'.repeat(32) as Sha256;

async function openBlob(wanted: Sha256): Promise<ServedBlob | undefined> {
  if (wanted !== sha256) return undefined;
  const handle = await open(path);
  const read: ServedBlob['read'] = async (buffer, position) =>
    (await handle.read(buffer, 0, buffer.length, position)).bytesRead;
  return { sizeBytes, read, close: () => handle.close() };
}

const content: ServedContent = {
  modelCount: () => 1,
  listModels: async () => [],
  getModel: async () => undefined,
  listFiles: async () => [],
  isPublicBlob: async () => true,
  openBlob,
  pieceHashes: async () => undefined,
};

const edge = await openHttpEdge({
  host: '127.0.0.1',
  port: 0,
  content,
  control: {} as never,
  peers: { verifyPeer: () => ({ nodeId: 'peer' as never, role: 'member' }) },
  tokens: { verifyToken: () => Promise.reject(new Error('no tokens here')) },
  localToken: 'unused',
  tls: { key: await readFile(keyPath), cert: await readFile(certPath) },
});
process.send?.({ port: edge.address.port, target: `/v1/blobs/${sha256}` });
process.on('message', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.send?.({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, maxRssMiB: maxRSS / 1024 });
});
process.on('disconnect', () => void edge.close());
