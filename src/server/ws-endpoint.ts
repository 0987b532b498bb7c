/**
 * `GET /mesh`: upgrades what the guard lets in, and holds the sessions until the edge closes. Nothing is compressed, and no
 * message is larger than one transfer frame. Spec: docs/spec/14-websocket.md §1.
 */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { PROTOCOL_LIMITS } from '../protocol/index.ts';
import { isOwnOrigin } from './access.ts';
import { toErrorAnswer } from './error-answer.ts';
import { ServerError } from './errors.ts';
import type { Guard } from './guard.ts';
import type { PeerIdentity, Viewer } from './ports.ts';
import { type RelaySeat, type SessionEnd, type SessionSurroundings, WsSession } from './ws-session.ts';

/** What a relay hears of a socket that came in; `WsRelayHub` of relay satisfies it. */
export interface MeshRelay {
  join(
    viewer: Viewer,
    socket: { send(message: string | Buffer, onWritten: () => void): void },
    isLink: boolean,
  ): RelaySeat | undefined;
}

export interface WsEndpointOptions extends SessionSurroundings {
  readonly guard: Guard;
  readonly port: () => number;
  readonly closing: AbortSignal;
  /** Without it nothing is forwarded. */
  readonly relay?: MeshRelay | undefined;
}

export const MESH_PATH = '/mesh';

export interface WsEndpoint {
  /** Answers on a socket that this node opened to a relay, which then asks as itself. */
  serveLink(socket: WebSocket, relay: PeerIdentity): void;
  /** Cuts the links to a relay that lost its membership, or to all. */
  dropLinks(nodeId?: string): void;
}

export function mountWsEndpoint(http: Server, options: WsEndpointOptions): WsEndpoint {
  const upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: PROTOCOL_LIMITS.transferMessageBytes,
    maxFragments: MAX_FRAGMENTS,
  });
  const sessions = new Set<WsSession>();
  const links = new Set<{ readonly socket: WebSocket; readonly nodeId: string }>();
  const open = (end: SessionEnd): void => {
    const session = new WsSession(options, end);
    sessions.add(session);
    end.socket.once('close', () => sessions.delete(session));
  };
  options.closing.addEventListener('abort', () => {
    for (const session of sessions) session.close();
  });
  http.on('upgrade', (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    const onBroken = (): void => void duplex.destroy();
    duplex.on('error', onBroken);
    admit(request, options).then(
      (viewer) => {
        duplex.off('error', onBroken);
        if (duplex.destroyed) return;
        upgrader.handleUpgrade(request, duplex, head, (socket) => {
          const ends = { send: (message: string | Buffer, onWritten: () => void) => socket.send(message, onWritten) };
          const seat = options.relay?.join(viewer, ends, isLink(request));
          open({ socket, viewer, address: addressOf(request), seat });
        });
      },
      (thrown: unknown) => refuse(duplex, thrown, options),
    );
  });
  return {
    serveLink(socket, relay) {
      const link = { socket, nodeId: relay.nodeId };
      links.add(link);
      socket.once('close', () => links.delete(link));
      open({ socket, viewer: { kind: 'peer', ...relay }, address: '', isLink: true });
    },
    dropLinks(nodeId) {
      for (const link of links) if (nodeId === undefined || link.nodeId === nodeId) link.socket.terminate();
    },
  };
}

function isLink(request: IncomingMessage): boolean {
  return new URL(request.url ?? '/', 'http://any').searchParams.get('link') === '1';
}

/** A frame of 256 KiB comes in one; some libraries cut it in pieces of a TCP segment. */
const MAX_FRAGMENTS = 1024;

async function admit(request: IncomingMessage, { guard, port, closing }: WsEndpointOptions): Promise<Viewer> {
  if (closing.aborted) throw new ServerError('closing', 'Opening a WebSocket: the daemon is stopping');
  // A target that is no URL is a path like any other that is not this one.
  const isMesh = URL.parse(request.url ?? '/', 'http://any')?.pathname === MESH_PATH && request.method === 'GET';
  const viewer = await guard.admit(request, isMesh ? 'reader' : 'owner');
  if (!isMesh) throw new ServerError('route_not_found', `Opening a WebSocket: only ${MESH_PATH} is one`);
  const { origin } = request.headers;
  if (origin !== undefined && !isOwnOrigin(origin, port()))
    throw new ServerError('foreign_origin', 'Opening a WebSocket: a page of another site may not');
  return viewer;
}

function refuse(duplex: Duplex, thrown: unknown, { metrics, logger }: WsEndpointOptions): void {
  const known = thrown instanceof ServerError ? thrown : undefined;
  if (known === undefined) logger.error({ err: thrown }, 'an upgrade failed');
  const { status, headers, body } = toErrorAnswer(known);
  metrics.refused(body.code);
  if (!duplex.writable) return void duplex.destroy();
  const json = JSON.stringify(body);
  const fields = { ...headers, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(json) };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\n${lines.join('')}\r\n`;
  duplex.end(`${head}${json}`, () => duplex.destroy());
}

function addressOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? '';
}
