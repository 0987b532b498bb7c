/** Opens the TCP or TLS connection of a lane. The peer's identity is settled before a request byte leaves. */
import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { TransferError, toTransferError } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import type { TlsCredentials } from './ports.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** Absent: plain HTTP. */
  readonly tls?: TlsCredentials;
}

/** Resolves with a socket that is open and, with TLS, verified. Throws TransferError. */
export function openSocket(target: Target, onread: OnReadOpts, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = target.tls === undefined ? plainSocket(target, onread) : tlsSocket(target, target.tls, onread);
  const fail = (error: TransferError): void => {
    socket.destroy();
    reject(error);
  };
  const onAbort = (): void => fail(new TransferError('cancelled', 'Connecting to a peer: cancelled'));
  const onTimeout = (): void => fail(new TransferError('peer_unreachable', 'Connecting to a peer: no answer in time'));
  const onError = (cause: Error): void => fail(toTransferError(cause, 'Connecting to a peer'));
  const onClose = (): void => fail(new TransferError('peer_unreachable', 'Connecting to a peer: closed at once'));
  const settle = (): void => {
    signal.removeEventListener('abort', onAbort);
    socket.off('timeout', onTimeout).off('error', onError).off('close', onClose).setTimeout(0);
    socket.on('error', () => {});
  };
  signal.addEventListener('abort', onAbort);
  socket.setTimeout(TRANSFER_LIMITS.connectTimeoutMs).on('timeout', onTimeout).on('error', onError);
  socket.on('close', onClose).once(target.tls === undefined ? 'connect' : 'secureConnect', () => {
    try {
      if (target.tls !== undefined) verifyPeer(socket as TLSSocket, target.tls);
      resolve(socket);
    } catch (cause) {
      fail(notTrusted(cause));
    }
  });
  if (signal.aborted) onAbort();
  return promise.finally(settle);
}

function plainSocket(target: Target, onread: OnReadOpts): Socket {
  return connectTcp({ host: target.host, port: target.port, noDelay: true, onread });
}

function tlsSocket(target: Target, tls: TlsCredentials, onread: OnReadOpts): TLSSocket {
  const { key, cert, ca } = tls;
  const socket = connectTls({
    host: target.host,
    port: target.port,
    minVersion: 'TLSv1.3',
    key,
    cert,
    ...(ca === undefined ? {} : { ca }),
    // Nodes sign their own certificates; verifyPeer pins them to the node key.
    rejectUnauthorized: ca !== undefined,
    checkServerIdentity: () => undefined,
    onread,
  } as ConnectionOptions);
  return socket.setNoDelay(true) as TLSSocket;
}

function verifyPeer(socket: TLSSocket, tls: TlsCredentials): void {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw new Error('the peer showed no certificate');
  tls.verifyPeer(certificate.raw);
}

function notTrusted(cause: unknown): TransferError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new TransferError('peer_not_trusted', `Checking a peer's certificate: ${text}`, { cause });
}
