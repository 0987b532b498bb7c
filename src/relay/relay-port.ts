/**
 * The relay's one TCP port: each connection is sorted by its first bytes, control connections are verified. Spec: docs/spec/13-relay.md §2, §3.
 * Owns every accepted socket until it is handed on.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { type Clock, type Logger, messageOf, type NodeId, systemCodeOf } from '../core/index.ts';
import { RelayError } from './errors.ts';
import { type ConnectionKind, decideConnection } from './first-bytes.ts';
import type { RelayLimits } from './limits.ts';
import { CONTROL_PROTOCOL, type RelayIdentity, type VerifyMember } from './ports.ts';
import type { PairToken } from './preamble.ts';
import type { RelayAddress } from './relay-address.ts';

export interface RelayPortOptions {
  readonly identity: () => RelayIdentity;
  readonly verifyMember: VerifyMember;
  readonly limits: RelayLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onControl: (nodeId: NodeId, socket: TLSSocket) => void;
  readonly onData: (side: 'asker' | 'holder', token: PairToken, socket: Socket, firstBytes?: Buffer) => void;
  readonly onRefused: (reason: string) => void;
}

export class RelayPort {
  readonly #options: RelayPortOptions;
  readonly #tls: TlsServer;
  readonly #server: Server;
  /** All that are open: what is still undecided, and what was handed on. */
  readonly #sockets = new Set<Socket>();
  readonly #undecided = new Map<string, number>();
  /** What counts each of those out, by the far end, which is the same for a TLS socket and the one below it. */
  readonly #leaves = new Map<string, () => void>();
  #undecidedCount = 0;

  constructor(options: RelayPortOptions) {
    this.#options = options;
    this.#tls = this.#createTls();
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Throws RelayError `port_in_use`, `cannot_listen`. */
  async listen({ host, port }: RelayAddress): Promise<RelayAddress> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(listenError(host, port, cause)));
      this.#server.listen({ host, port, backlog: 511 }, resolve);
    });
    this.#server.removeAllListeners('error');
    this.#server.on('error', (cause) => this.#options.logger.warn({ code: systemCodeOf(cause) }, 'accepting failed'));
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') throw new Error('a TCP server without an address');
    return { host: bound.address, port: bound.port };
  }

  /** Handshakes from now on use the identity of now. */
  renewIdentity(): void {
    this.#tls.setSecureContext({ ...this.#options.identity(), minVersion: 'TLSv1.3' });
  }

  /** Resolves when no socket is open. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    this.#tls.close();
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const { limits, clock, onRefused } = this.#options;
    if (this.#undecidedCount >= limits.undecided || (this.#undecided.get(address) ?? 0) >= limits.undecidedPerAddress) {
      onRefused('undecided');
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', (cause) => this.#options.logger.debug({ code: systemCodeOf(cause) }, 'connection broke'));
    const leave = this.#countUndecided(address, farEndOf(socket));
    socket.once('close', leave);
    decideConnection(socket, limits, clock, (kind) => {
      // A handshake costs more than first bytes do: whoever is in one is not known yet.
      if (kind.kind !== 'control') leave();
      this.#hand(socket, kind);
    });
  }

  #countUndecided(address: string, farEnd: string): () => void {
    this.#undecidedCount += 1;
    this.#undecided.set(address, (this.#undecided.get(address) ?? 0) + 1);
    let isCounted = true;
    const leave = (): void => {
      if (!isCounted) return;
      isCounted = false;
      this.#leaves.delete(farEnd);
      this.#undecidedCount -= 1;
      const left = (this.#undecided.get(address) ?? 1) - 1;
      if (left === 0) this.#undecided.delete(address);
      else this.#undecided.set(address, left);
    };
    this.#leaves.set(farEnd, leave);
    return leave;
  }

  #hand(socket: Socket, kind: ConnectionKind): void {
    if (kind.kind === 'control') this.#tls.emit('connection', socket);
    else if (kind.kind === 'asker') this.#options.onData('asker', kind.token, socket, kind.firstBytes);
    else if (kind.kind === 'holder') this.#options.onData('holder', kind.token, socket);
    else {
      this.#options.onRefused(kind.reason);
      socket.destroy();
    }
  }

  #createTls(): TlsServer {
    const { identity, limits, logger, onRefused } = this.#options;
    const server = createTlsServer({
      ...identity(),
      minVersion: 'TLSv1.3',
      requestCert: true,
      // There is no public authority here: the member check decides, below.
      rejectUnauthorized: false,
      ALPNProtocols: [CONTROL_PROTOCOL],
      handshakeTimeout: limits.handshakeMs,
    });
    server.on('secureConnection', (socket) => this.#admit(socket));
    server.on('tlsClientError', (cause, socket) => {
      onRefused('tls_handshake');
      logger.debug({ code: systemCodeOf(cause) }, 'TLS handshake failed');
      socket.destroy();
    });
    return server;
  }

  #admit(socket: TLSSocket): void {
    const { verifyMember, logger, onControl, onRefused } = this.#options;
    this.#leaves.get(farEndOf(socket))?.();
    socket.on('error', (cause) => logger.debug({ code: systemCodeOf(cause) }, 'control connection broke'));
    try {
      if (socket.alpnProtocol !== CONTROL_PROTOCOL) throw new Error('it does not speak the relay’s protocol');
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined) throw new Error('it shows no certificate');
      onControl(verifyMember(certificate.raw).nodeId, socket);
    } catch (cause) {
      onRefused('not_member');
      logger.info({ remote: socket.remoteAddress, why: messageOf(cause) }, 'client refused');
      socket.destroy();
    }
  }
}

function farEndOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function listenError(host: string, port: number, cause: Error): RelayError {
  const at = `Listening as a relay on ${host}:${port}`;
  if (systemCodeOf(cause) === 'EADDRINUSE')
    return new RelayError('port_in_use', `${at}: the port is taken; choose another one`, {
      cause,
      data: { host, port },
    });
  return new RelayError('cannot_listen', `${at}: ${messageOf(cause)}`, { cause, data: { host, port } });
}
