/**
 * One port for TLS and plain HTTP. Spec: docs/spec/05-http.md §1, §5, §8.
 * Owns every accepted socket until it closes: the gate counts it, the first byte sorts it, a TLS client's certificate is
 * verified before HTTP sees the connection, and `close` leaves none open. The HTTP server never listens by itself.
 */
import type { Server as HttpServer, ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { type Clock, type Logger, messageOf, systemCodeOf } from '../core/index.ts';
import { isLoopback } from './access.ts';
import { ConnectionGate } from './connection-gate.ts';
import { ServerError } from './errors.ts';
import type { ServerLimits } from './limits.ts';
import type { HttpMetrics } from './metrics.ts';
import type { PeerIdentity, PeerVerifier, TlsIdentity } from './ports.ts';

const TLS_HANDSHAKE_RECORD = 0x16;
const REACHED_FROM_LOOPBACK: ReadonlySet<string> = new Set(['0.0.0.0', '::', '127.0.0.1', '::1']);

export interface TransportOptions {
  readonly http: HttpServer;
  readonly tls: TlsIdentity | undefined;
  readonly peers: PeerVerifier;
  readonly limits: ServerLimits;
  readonly metrics: HttpMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export class Transport {
  readonly #options: TransportOptions;
  readonly #gate: ConnectionGate;
  readonly #fronts: Server[] = [];
  #tls: TlsServer | undefined;
  /** The same for connections through a relay, so that no one of them is taken for another kind. */
  #relayedTls: TlsServer | undefined;
  /** With what counts each out of the gate. Oldest first. */
  readonly #sockets = new Map<Socket, () => void>();
  readonly #peers = new WeakMap<object, PeerIdentity>();
  readonly #peerSockets = new Map<TLSSocket, PeerIdentity>();
  /** Answers under way, by the far end of their connection, which is the same for a TLS socket and the one below it. */
  readonly #answering = new Map<string, number>();
  #onAnswered: (() => void) | undefined;
  /** Connections that came through a relay: from elsewhere, whatever their address. */
  readonly #relayed = new WeakSet<object>();
  #isClosing = false;
  #allClosed: (() => void) | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#gate = new ConnectionGate(options.limits);
    if (options.tls !== undefined) this.setTls(options.tls);
    options.http.on('request', ({ socket }, response: ServerResponse) => {
      const end = farEndOf(socket);
      response.once('close', () => this.#countAnswers(end, -1));
      if (this.#countAnswers(end, 1) > options.limits.pipelinedRequests) this.#dropPipeline(socket);
    });
    // A WebSocket is busy as long as it is open: its session closes the idle ones.
    options.http.on('upgrade', (_request, socket: Socket) => {
      const end = farEndOf(socket);
      socket.once('close', () => this.#countAnswers(end, -1));
      // Its words would get in between those of an answer that has not left yet.
      if (this.#countAnswers(end, 1) > 1) socket.destroy();
    });
  }

  /** The verified peer behind a request's socket. */
  peerOf(socket: object): PeerIdentity | undefined {
    return this.#peers.get(socket);
  }

  /** There, and on loopback with the same port, where the owner asks. Throws ServerError `port_in_use`, `cannot_listen`. */
  async listen({ host, port }: Address): Promise<Address> {
    try {
      const bound = await this.#listenAt(host, port);
      if (!REACHED_FROM_LOOPBACK.has(bound.host)) await this.#listenAt('127.0.0.1', bound.port);
      // Starts the HTTP server's own watch over late headers and requests, which waits for this event.
      this.#options.http.emit('listening');
      return bound;
    } catch (thrown) {
      for (const front of this.#fronts) front.close();
      throw thrown;
    }
  }

  async #listenAt(host: string, port: number): Promise<Address> {
    // A client may end its half after the request and still wants the answer.
    const front = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      front.once('error', (cause) => reject(listenError(host, port, cause)));
      front.listen({ host, port, backlog: 511 }, resolve);
    });
    this.#fronts.push(front);
    // Such as too many open files while accepting: the next connection may do better.
    front.removeAllListeners('error');
    front.on('error', (cause) => this.#options.logger.warn({ code: systemCodeOf(cause) }, 'accepting failed'));
    const bound = front.address();
    if (bound === null || typeof bound === 'string') throw new Error('a TCP server without an address');
    return { host: bound.address, port: bound.port };
  }

  /**
   * A connection that this node opened to a relay, and that somebody else speaks on: nothing but TLS with the certificate of
   * a current member is taken on it, and it never counts as this machine's. Spec: docs/spec/13-relay.md §4.
   */
  acceptRelayed(socket: Socket): void {
    this.#relayed.add(socket);
    this.#accept(socket);
  }

  /** Handshakes from now on use the new certificate. */
  setTls(identity: TlsIdentity): void {
    if (this.#tls === undefined || this.#relayedTls === undefined) {
      this.#tls = this.#createTls(identity, false);
      this.#relayedTls = this.#createTls(identity, true);
      return;
    }
    for (const server of [this.#tls, this.#relayedTls]) server.setSecureContext({ ...identity, minVersion: 'TLSv1.3' });
  }

  /** Ends the connections of a peer that is no longer a member. */
  disconnectPeer(nodeId: string): void {
    for (const [socket, peer] of this.#peerSockets) if (peer.nodeId === nodeId) socket.destroy();
  }

  /** The same of all. */
  disconnectPeers(): void {
    for (const socket of this.#peerSockets.keys()) socket.destroy();
  }

  /** Lets answers under way end within `graceMs`, then destroys what is left. Resolves when no socket is open. */
  async close(graceMs: number): Promise<void> {
    const { http, clock, limits } = this.#options;
    this.#isClosing = true;
    for (const front of this.#fronts) front.close();
    http.closeIdleConnections();
    const cancelGrace = clock.after(graceMs, () => this.#destroyAll());
    let cancelLinger = (): void => {};
    this.#onAnswered = () => {
      cancelLinger();
      cancelLinger = clock.after(limits.closeLingerMs, () => this.#destroyUnbusy());
    };
    this.#onAnswered();
    await this.#untilAllClosed();
    cancelGrace();
    cancelLinger();
    http.close();
    this.#tls?.close();
    this.#relayedTls?.close();
  }

  #countAnswers(end: string, change: 1 | -1): number {
    const count = (this.#answering.get(end) ?? 0) + change;
    if (count > 0) this.#answering.set(end, count);
    else this.#answering.delete(end);
    if (change < 0) this.#onAnswered?.();
    return count;
  }

  /** Requests whose turn has not come each cost memory, and an answer of theirs could not be sent before its turn. */
  #dropPipeline(socket: Socket): void {
    if (!socket.destroyed) this.#options.metrics.refused('pipelined_requests');
    socket.destroy();
  }

  #destroyUnbusy(): void {
    for (const socket of this.#sockets.keys()) if (!this.#answering.has(farEndOf(socket))) socket.destroy();
  }

  #untilAllClosed(): Promise<void> {
    return new Promise((resolve) => {
      this.#allClosed = resolve;
      if (this.#sockets.size === 0) resolve();
    });
  }

  #destroyAll(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  #accept(socket: Socket): void {
    const leave = this.#isClosing ? 'closing' : this.#enter(socket);
    if (typeof leave === 'string') {
      this.#options.metrics.refused(leave);
      socket.destroy();
      return;
    }
    this.#sockets.set(socket, leave);
    socket.once('close', () => {
      this.#sockets.get(socket)?.();
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#allClosed?.();
    });
    socket.on('error', (cause) => this.#options.logger.debug({ code: systemCodeOf(cause) }, 'connection broke'));
    this.#sortByFirstByte(socket);
  }

  /** Where all places are taken, the oldest connection that waits for no answer makes room: idling must not keep others out. */
  #enter(socket: Socket): ReturnType<ConnectionGate['enter']> {
    const address = `${this.#relayed.has(socket) ? 'relay ' : ''}${socket.remoteAddress ?? ''}`;
    const entered = this.#gate.enter(address);
    if (entered !== 'connections' || !this.#dropIdle(this.#isLocal(socket))) return entered;
    this.#options.metrics.refused(entered);
    return this.#gate.enter(address);
  }

  #isLocal(socket: Socket): boolean {
    return !this.#relayed.has(socket) && isLoopback(socket.remoteAddress);
  }

  #dropIdle(ofLoopback: boolean): boolean {
    for (const [socket, leave] of this.#sockets) {
      if (socket.destroyed || this.#isLocal(socket) !== ofLoopback) continue;
      if (this.#answering.has(farEndOf(socket))) continue;
      leave();
      this.#sockets.set(socket, () => {});
      socket.destroy();
      return true;
    }
    return false;
  }

  #sortByFirstByte(socket: Socket): void {
    const { limits, metrics } = this.#options;
    const late = (): void => {
      metrics.refused('first_byte');
      socket.destroy();
    };
    const gone = (): void => void socket.destroy();
    socket.setTimeout(limits.firstByteMs, late);
    socket.once('end', gone);
    socket.once('data', (bytes: Buffer) => {
      socket.removeListener('end', gone);
      socket.setTimeout(0);
      socket.removeListener('timeout', late);
      socket.pause();
      socket.unshift(bytes);
      this.#hand(socket, bytes[0] === TLS_HANDSHAKE_RECORD ? 'tls' : 'plain');
    });
  }

  #hand(socket: Socket, transport: 'plain' | 'tls'): void {
    const isRelayed = this.#relayed.has(socket);
    const [plain, tls] = isRelayed ? [undefined, this.#relayedTls] : [this.#options.http, this.#tls];
    const target = transport === 'tls' ? tls : plain;
    if (target === undefined) {
      this.#options.metrics.refused(transport === 'tls' ? 'no_tls' : 'relayed_plain');
      socket.destroy();
      return;
    }
    this.#options.metrics.connection(transport, 1);
    socket.once('close', () => this.#options.metrics.connection(transport, -1));
    target.emit('connection', socket);
    if (transport === 'plain') socket.resume();
  }

  #createTls(identity: TlsIdentity, isRelayed: boolean): TlsServer {
    const server = createTlsServer({
      ...identity,
      minVersion: 'TLSv1.3',
      requestCert: true,
      // There is no public authority here: the peer verifier decides, below.
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: this.#options.limits.handshakeMs,
      allowHalfOpen: true,
    });
    server.on('secureConnection', (socket) => void this.#admit(socket, isRelayed));
    server.on('tlsClientError', (cause, socket) => {
      this.#options.metrics.refused('tls_handshake');
      this.#options.logger.debug({ code: systemCodeOf(cause) }, 'TLS handshake failed');
      socket.destroy();
    });
    return server;
  }

  async #admit(socket: TLSSocket, isRelayed: boolean): Promise<void> {
    socket.on('error', (cause) => this.#options.logger.debug({ code: systemCodeOf(cause) }, 'TLS connection broke'));
    try {
      const certificate = socket.getPeerX509Certificate();
      if (certificate !== undefined) this.#remember(socket, await this.#options.peers.verifyPeer(certificate.raw));
      else if (isRelayed) throw new Error('a stranger, through a relay');
    } catch (cause) {
      this.#options.metrics.refused('peer_certificate');
      this.#options.logger.info({ remote: socket.remoteAddress, why: messageOf(cause) }, 'peer refused');
      socket.destroy();
    }
    if (socket.destroyed) return;
    this.#options.http.emit('connection', socket);
    readAsStream(socket);
  }

  #remember(socket: TLSSocket, peer: PeerIdentity): void {
    if (socket.destroyed) return;
    this.#peers.set(socket, peer);
    this.#peerSockets.set(socket, peer);
    socket.once('close', () => this.#peerSockets.delete(socket));
  }
}

/**
 * While the answers wait for the reader, HTTP stops to parse. TLS goes on handing out what it has already taken in, and
 * HTTP, which reads below the stream by itself, would take that for a broken request. A listener makes it read the stream,
 * which keeps what comes meanwhile.
 */
function readAsStream(socket: Socket): void {
  const listener = (): void => {};
  socket.on('data', listener);
  socket.removeListener('data', listener);
}

function farEndOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`;
}

function listenError(host: string, port: number, cause: Error): ServerError {
  if (systemCodeOf(cause) === 'EADDRINUSE')
    return new ServerError(
      'port_in_use',
      `Listening on ${host}:${port}: the port is taken; choose another with --port, or --port 0 for any free one`,
      { cause, data: { host, port } },
    );
  return new ServerError('cannot_listen', `Listening on ${host}:${port}: ${messageOf(cause)}`, {
    cause,
    data: { host, port },
  });
}
