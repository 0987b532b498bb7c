/** Opens the TCP or TLS connection of a lane. The peer's identity is settled before a request byte leaves. */
import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { TransferError, toTransferError } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import type { TlsCredentials } from './ports.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** Absent: plain HTTP, unless `web` is there. */
  readonly tls?: TlsCredentials;
  /** Instead of `tls`: a server of the web, known by its name and the system's authorities. */
  readonly web?: WebServer;
}

export interface WebServer {
  readonly name: string;
  /** Instead of the system's authorities. */
  readonly ca?: string | Buffer;
}

/** Resolves with a socket that is open and, with TLS, verified. Throws TransferError. */
export function openSocket(target: Target, onread: OnReadOpts, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = anySocket(target, onread);
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
  socket.on('close', onClose).once('encrypted' in socket ? 'secureConnect' : 'connect', () => {
    try {
      if (target.tls !== undefined) verifyPeer(socket as TLSSocket, target.tls);
      if (target.web !== undefined) verifyWeb(socket as TLSSocket);
      resolve(socket);
    } catch (cause) {
      fail(notTrusted(cause));
    }
  });
  if (signal.aborted) onAbort();
  return promise.finally(settle);
}

function anySocket(target: Target, onread: OnReadOpts): Socket {
  if (target.tls !== undefined) return tlsSocket(target, target.tls, onread);
  return target.web === undefined ? plainSocket(target, onread) : webSocket(target, target.web, onread);
}

function plainSocket(target: Target, onread: OnReadOpts): Socket {
  return connectTcp({ host: target.host, port: target.port, noDelay: true, onread });
}

function tlsSocket(target: Target, tls: TlsCredentials, onread: OnReadOpts): TLSSocket {
  const { key, cert, ca, servername } = tls;
  const socket = connectTls({
    host: target.host,
    port: target.port,
    minVersion: 'TLSv1.3',
    key,
    cert,
    ...(ca === undefined ? {} : { ca }),
    ...(servername === undefined ? {} : { servername }),
    // Nodes sign their own certificates; verifyPeer pins them to the node key.
    rejectUnauthorized: ca !== undefined,
    checkServerIdentity: () => undefined,
    onread,
  } as ConnectionOptions);
  return socket.setNoDelay(true) as TLSSocket;
}

function webSocket({ host, port }: Target, { name, ca }: WebServer, onread: OnReadOpts): TLSSocket {
  const byName = isIP(name) === 0 ? { servername: name } : {};
  const authorities = ca === undefined ? {} : { ca };
  // Judged in verifyWeb, which says what was wrong.
  const options = { host, port, ...byName, ...authorities, minVersion: 'TLSv1.2', rejectUnauthorized: false, onread };
  return connectTls(options as ConnectionOptions).setNoDelay(true) as TLSSocket;
}

function verifyWeb(socket: TLSSocket): void {
  if (!socket.authorized) throw socket.authorizationError ?? new Error('the certificate is not valid');
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
