/** A TLS connection to a relay whose certificate has been held to the mesh. Spec: docs/spec/13-relay.md §1, §3. */
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Clock, messageOf } from '../core/index.ts';
import { RelayError } from './errors.ts';
import { RELAY_LIMITS, type RelayLimits } from './limits.ts';
import type { RelayIdentity, VerifyMember } from './ports.ts';
import { formatRelayAddress, type RelayAddress } from './relay-address.ts';

export interface RelayClientOptions {
  readonly identity: () => RelayIdentity;
  readonly verifyMember: VerifyMember;
  readonly clock: Clock;
  readonly limits?: Partial<RelayLimits>;
}

export interface OpenRelay {
  readonly socket: TLSSocket;
  readonly relay: ReturnType<VerifyMember>;
}

/**
 * Resolves with a connection whose other end is a member that may be a relay, and speaks `protocol` where one is given.
 * Throws RelayError `relay_unreachable`, `relay_not_trusted`, `cancelled`.
 */
export function openRelayTls(
  address: RelayAddress,
  options: RelayClientOptions,
  signal: AbortSignal,
  protocol?: string,
): Promise<OpenRelay> {
  const { promise, resolve, reject } = Promise.withResolvers<OpenRelay>();
  const { key, cert } = options.identity();
  const socket = connectTls({
    ...{ host: address.host, port: address.port, key, cert },
    minVersion: 'TLSv1.3',
    ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
    // Nodes sign their own certificates; `relayAt` holds them to the mesh.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  const fail = (error: RelayError): void => {
    socket.destroy();
    reject(error);
  };
  const onAbort = (): void => fail(cancelled());
  const { connectMs } = { ...RELAY_LIMITS, ...options.limits };
  const late = options.clock.after(connectMs, () => fail(unreachable(address, 'no answer in time')));
  signal.addEventListener('abort', onAbort, { once: true });
  socket.on('error', (cause) => fail(unreachable(address, messageOf(cause), cause)));
  socket.once('close', () => fail(unreachable(address, 'it closed the connection')));
  socket.once('secureConnect', () => {
    try {
      resolve({ socket, relay: relayAt(socket, options.verifyMember, protocol) });
    } catch (thrown) {
      fail(notTrusted(address, messageOf(thrown)));
    }
  });
  if (signal.aborted) onAbort();
  return promise.finally(() => {
    late();
    signal.removeEventListener('abort', onAbort);
    socket.setNoDelay(true);
  });
}

/** Throws, with why, where the other end is no relay of this mesh. */
function relayAt(socket: TLSSocket, verifyMember: VerifyMember, protocol: string | undefined): OpenRelay['relay'] {
  if (protocol !== undefined && socket.alpnProtocol !== protocol)
    throw new Error('it does not speak the relay’s protocol');
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw new Error('it shows no certificate');
  const relay = verifyMember(certificate.raw);
  if (!mayRelay(relay.role)) throw new Error(`its role ${relay.role} may not be a relay`);
  return relay;
}

/** Whom members send their connections through. Spec: docs/spec/13-relay.md §1. */
export function mayRelay(role: string): boolean {
  return role !== 'edge';
}

export function unreachable(address: RelayAddress, what: string, cause?: unknown): RelayError {
  return new RelayError('relay_unreachable', `Talking to the relay ${formatRelayAddress(address)}: ${what}`, { cause });
}

export function cancelled(): RelayError {
  return new RelayError('cancelled', 'Talking to a relay: cancelled');
}

function notTrusted(address: RelayAddress, flaw: string): RelayError {
  return new RelayError('relay_not_trusted', `Talking to the relay ${formatRelayAddress(address)}: ${flaw}`);
}
