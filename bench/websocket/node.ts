/** One node of the benchmark in a process of its own: an edge that serves a file, may relay, and may be linked to a relay. */
import { type FileHandle, open } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { KiB, type Sha256, systemClock } from '../../src/core/index.ts';
import { WsRelayHub, WsRelayLink } from '../../src/relay/index.ts';
import { openHttpEdge, type ServedBlob, type ServedContent } from '../../src/server/index.ts';
import { identityOf, verifyMember } from './mesh.ts';

export interface NodeTask {
  readonly name: 'holder' | 'relay';
  readonly path: string;
  readonly sha256: string;
  readonly relayPort?: number;
}

export interface NodePorts {
  readonly edge: number;
  readonly raw: number;
}

const FRAME_BYTES = 256 * KiB;

process.once('message', (task: NodeTask) => void start(task));
process.once('disconnect', () => process.exit());

async function start(task: NodeTask): Promise<void> {
  const { nodeId, tls } = await identityOf(task.name);
  const hub = new WsRelayHub({ clock: systemClock });
  const edge = await openHttpEdge({
    ...{ host: '127.0.0.1', port: 0, nodeId, tls, localToken: 'bench', content: contentOf(task), meshRelay: hub },
    peers: { verifyPeer: verifyMember },
    tokens: { verifyToken: () => Promise.reject(new Error('no tokens here')) },
  });
  if (task.relayPort !== undefined)
    new WsRelayLink({
      ...{
        address: { host: '127.0.0.1', port: task.relayPort },
        identity: () => tls,
        verifyMember,
        clock: systemClock,
      },
      onSocket: edge.serveLink,
    }).start();
  process.send?.({ edge: edge.address.port, raw: await openRaw(task.path) } satisfies NodePorts);
}

function contentOf({ path, sha256 }: NodeTask): ServedContent {
  return {
    modelCount: () => 0,
    listModels: async () => [],
    getModel: async () => undefined,
    listFiles: async () => [],
    isPublicBlob: async () => false,
    openBlob: async (wanted: Sha256) => (wanted === sha256 ? await blobAt(path) : undefined),
    pieceHashes: async () => undefined,
  } as unknown as ServedContent;
}

async function blobAt(path: string): Promise<ServedBlob> {
  const file = await open(path);
  const { size: sizeBytes } = await file.stat();
  return {
    sizeBytes,
    read: async (buffer, position) => (await file.read(buffer, 0, buffer.length, position)).bytesRead,
    close: () => file.close(),
  };
}

/** The yardstick: frames of 256 KiB from the file, four on their way into the socket, and nothing else. */
async function openRaw(path: string): Promise<number> {
  const http = createServer();
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.once('message', () => void sendFile(path, (bytes) => written((done) => socket.send(bytes, done))));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return (http.address() as AddressInfo).port;
}

function written(send: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => send(resolve));
}

async function sendFile(path: string, send: (bytes: Buffer) => Promise<void>): Promise<void> {
  const file: FileHandle = await open(path);
  const slots = Array.from({ length: 4 }, () => ({
    buffer: Buffer.allocUnsafeSlow(FRAME_BYTES),
    free: Promise.resolve(),
  }));
  for (let turn = 0; ; turn += 1) {
    const slot = slots[turn % slots.length];
    if (slot === undefined) throw new Error('no slot');
    await slot.free;
    const { bytesRead } = await file.read(slot.buffer, 0, FRAME_BYTES);
    if (bytesRead === 0) break;
    slot.free = send(slot.buffer.subarray(0, bytesRead));
  }
  await file.close();
}
