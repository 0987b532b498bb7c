/** One of the three machines as a process: `part.ts relay|holder|asker JSON`. Tells its parent where it is, then does as told. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { systemClock } from '../../src/core/index.ts';
import { openRelayServer, RelayDialer, RelayLink } from '../../src/relay/index.ts';
import { makeTestMesh } from '../../src/testkit/mesh-members.ts';
import { makeTlsIdentity, readTlsPeer } from '../../src/trust/index.ts';

interface Job {
  readonly relayPort: number;
  readonly sizeBytes: number;
}

interface Ask {
  readonly way: 'direct' | 'relay';
  readonly directPort: number;
}

const [role = '', text = '{}'] = process.argv.slice(2);
const job = JSON.parse(text) as Job;
const mesh = makeTestMesh('bench', Date.now());
const own = mesh.member(role);
const holderId = mesh.member('holder').nodeId;
const identity = await makeTlsIdentity(own, Date.now());
const client = {
  identity: () => identity,
  clock: systemClock,
  verifyMember(der: Uint8Array) {
    const check = { meshId: mesh.authority.id, nowMs: Date.now(), isRevoked: () => false };
    const { nodeId, certificate } = readTlsPeer(der, check);
    return { nodeId, role: certificate.role };
  },
};
const relayAddress = { host: '127.0.0.1', port: job.relayPort };

async function runRelay(): Promise<void> {
  const { address } = await openRelayServer({ ...client, host: '127.0.0.1', port: 0 });
  process.send?.({ port: address.port });
}

async function runHolder(): Promise<void> {
  const server = createTlsServer({ ...identity, minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: false });
  server.on('secureConnection', pour).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const registered = Promise.withResolvers<void>();
  const link = new RelayLink({
    ...client,
    address: relayAddress,
    onConnection: (socket) => void server.emit('connection', socket),
    onRegistered: () => registered.resolve(),
  });
  link.start();
  await registered.promise;
  process.send?.({ port: (server.address() as AddressInfo).port });
}

/** As many bytes as wanted, a MiB at a time, as the HTTP edge writes them. */
function pour(socket: TLSSocket): void {
  const block = Buffer.alloc(1024 * 1024, 'model');
  let left = job.sizeBytes;
  const more = (): void => {
    while (left > 0 && !socket.destroyed) {
      left -= block.length;
      if (!socket.write(block)) return;
    }
    if (left === 0) socket.end();
  };
  socket.on('drain', more).on('error', () => {});
  more();
}

async function runAsker(): Promise<void> {
  const dialer = new RelayDialer(client);
  const signal = new AbortController().signal;
  process.on('message', async ({ way, directPort }: Ask) => {
    const started = performance.now();
    const at =
      way === 'direct'
        ? { host: '127.0.0.1', port: directPort }
        : await dialer.open(`127.0.0.1:${job.relayPort}`, holderId, signal);
    const bytes = await drain(at);
    process.send?.({ seconds: (performance.now() - started) / 1000, bytes });
  });
  process.send?.({ port: 0 });
}

/** Received as a lane does it, into one buffer, and dropped. */
async function drain(at: {
  readonly host: string;
  readonly port: number;
  readonly servername?: string;
}): Promise<number> {
  let bytes = 0;
  const callback = (count: number): boolean => {
    bytes += count;
    return true;
  };
  const onread = { buffer: Buffer.allocUnsafeSlow(512 * 1024), callback };
  const options = { ...at, ...identity, minVersion: 'TLSv1.3', rejectUnauthorized: false, onread } as const;
  await once(connectTls(options), 'close');
  return bytes;
}

const parts: Record<string, () => Promise<void>> = { relay: runRelay, holder: runHolder, asker: runAsker };
process.on('disconnect', () => process.exit(0));
await parts[role]?.();
