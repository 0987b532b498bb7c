/** A relay with members around it, on loopback, with real certificates. */
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { type NodeId, systemClock } from '../core/index.ts';
import { makeTestMesh, type TestMesh } from '../testkit/mesh-members.ts';
import { makeTlsIdentity, readTlsPeer } from '../trust/index.ts';
import type { RelayLimits } from './limits.ts';
import type { RelayClientOptions } from './open-relay-tls.ts';
import { formatRelayAddress } from './relay-address.ts';
import { RelayDialer, type RelayedWay } from './relay-dialer.ts';
import { RelayLink } from './relay-link.ts';
import { openRelayServer, type RelayServer, type RelayServerOptions, type RelayStats } from './relay-server.ts';

export interface TestMember extends RelayClientOptions {
  readonly nodeId: NodeId;
}

export function makeMesh(seed = 'relayed'): TestMesh {
  return makeTestMesh(seed, Date.now());
}

export async function makeMember(mesh: TestMesh, name: string, role = 'member'): Promise<TestMember> {
  const own = mesh.member(name, { role });
  const identity = await makeTlsIdentity(own, Date.now());
  return {
    nodeId: own.nodeId,
    clock: systemClock,
    identity: () => identity,
    verifyMember(der) {
      const check = { meshId: mesh.authority.id, nowMs: Date.now(), isRevoked: () => false };
      const { nodeId, certificate } = readTlsPeer(der, check);
      return { nodeId, role: certificate.role };
    },
  };
}

export async function openTestRelay(
  member: TestMember,
  options: Partial<RelayServerOptions> = {},
): Promise<RelayServer> {
  const { identity, verifyMember } = member;
  const relay = await openRelayServer({ host: '127.0.0.1', port: 0, identity, verifyMember, ...options });
  onTestFinished(() => relay.close());
  return relay;
}

export type Serve = (socket: TLSSocket) => void;

/** Registered at the relay; whoever comes is served over TLS. */
export async function openHolder(
  member: TestMember,
  { address }: Pick<RelayServer, 'address'>,
  serve: Serve,
  limits: Partial<RelayLimits> = {},
): Promise<RelayLink> {
  const tls = createTlsServer({
    ...member.identity(),
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: false,
    allowHalfOpen: true,
  });
  tls.on('secureConnection', serve).on('tlsClientError', (_cause, socket) => socket.destroy());
  const registered = Promise.withResolvers<void>();
  const onRegistered = (): void => registered.resolve();
  const onConnection = (socket: Socket): void => void tls.emit('connection', socket);
  const link = new RelayLink({ ...member, address, onConnection, onRegistered, limits });
  onTestFinished(() => link[Symbol.asyncDispose]());
  link.start();
  await registered.promise;
  return link;
}

export function openDialer(member: TestMember, limits: Partial<RelayLimits> = {}): RelayDialer {
  const dialer = new RelayDialer({ ...member, limits });
  onTestFinished(() => dialer[Symbol.dispose]());
  return dialer;
}

export const NEVER = new AbortController().signal;

/** The whole way: asks, and speaks TLS with the holder, whose node id is checked. */
export async function dialThrough(
  dialer: RelayDialer,
  asker: TestMember,
  relay: Pick<RelayServer, 'address'>,
  target: NodeId,
): Promise<TLSSocket> {
  const way = await dialer.open(formatRelayAddress(relay.address), target, NEVER);
  const socket = openWay(way, asker);
  await once(socket, 'secureConnect');
  const found = asker.verifyMember(socket.getPeerX509Certificate()?.raw ?? Buffer.alloc(0));
  if (found.nodeId !== target) throw new Error(`the other end is ${found.nodeId}`);
  return socket;
}

export function openWay(way: RelayedWay, asker: TestMember, ALPNProtocols: string[] = []): TLSSocket {
  const checks = { minVersion: 'TLSv1.3', rejectUnauthorized: false } as const;
  const socket = connectTls({ ...way, ...asker.identity(), ...checks, ALPNProtocols });
  socket.allowHalfOpen = true;
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

export async function openTcp({ address }: Pick<RelayServer, 'address'>): Promise<Socket> {
  const socket = connectTcp({ ...address, allowHalfOpen: true });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** What came until the other side ended or broke it. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => parts.push(chunk));
  await untilClosed(socket);
  return Buffer.concat(parts);
}

/** Resolves when the other side ended or broke it, whatever it sent. */
export async function untilClosed(socket: Socket): Promise<void> {
  socket.resume().once('end', () => socket.destroy());
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
}

/** Waits until the relay's counts are so. */
export async function untilStats(relay: RelayServer, isRight: (stats: RelayStats) => boolean): Promise<void> {
  while (!isRight(relay.stats())) await new Promise((resolve) => setImmediate(resolve));
}

/** Passes everything on, and changes every byte to the asker from the given one on. Resolves with its port. */
export async function openFlippingProxy({ address }: Pick<RelayServer, 'address'>, from: number): Promise<number> {
  const proxy = createServer((near) => {
    const far = connectTcp(address);
    let passed = 0;
    far.on('data', (chunk: Buffer) => {
      near.write(chunk.map((byte, index) => (passed + index >= from ? byte ^ 0xff : byte)));
      passed += chunk.length;
    });
    far.on('error', () => near.destroy()).once('end', () => near.end());
    near.on('error', () => far.destroy()).pipe(far);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => void proxy.close());
  return (proxy.address() as AddressInfo).port;
}
