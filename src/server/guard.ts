/** The first step of every request: who is it, may they, are they asking too much. 05-http §4, §5 no. 2 and 3. */
import type { IncomingMessage } from 'node:http';
import { bearerOf, isLoopback, type RouteAccess, refusalOf } from './access.ts';
import { ServerError, type ServerErrorCode } from './errors.ts';
import type { ServerLimits } from './limits.ts';
import type { PeerIdentity, TokenVerifier, Viewer } from './ports.ts';
import type { RequestBuckets } from './request-bucket.ts';

export interface GuardOptions {
  readonly limits: ServerLimits;
  readonly buckets: RequestBuckets;
  readonly tokens: TokenVerifier;
  readonly localToken: string;
  readonly openLan: boolean;
  readonly port: () => number;
  readonly peerOf: (socket: object) => PeerIdentity | undefined;
}

export class Guard {
  readonly #options: GuardOptions;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** The viewer, or throws the ServerError that is the answer. */
  async admit(request: IncomingMessage, access: RouteAccess): Promise<Viewer> {
    const { limits, port, openLan, localToken } = this.#options;
    if (request.rawHeaders.length > limits.headerFields * 2)
      throw new ServerError('headers_too_large', `Reading a header: more than ${limits.headerFields} fields`);
    if ((request.headersDistinct.host?.length ?? 0) > 1)
      throw new ServerError('malformed_request', 'Reading a header: more than one Host');
    const viewer = await this.#viewerOf(request);
    const { host, origin, authorization } = request.headers;
    const facts = { viewer, secure: isSecure(request), host, origin, bearer: bearerOf(authorization) };
    const code = refusalOf(facts, access, { port: port(), openLan, localToken });
    if (code !== undefined) throw new ServerError(code, REFUSALS[code] ?? `Asking: refused (${code})`);
    return viewer;
  }

  async #viewerOf(request: IncomingMessage): Promise<Viewer> {
    const peer = this.#options.peerOf(request.socket);
    if (peer !== undefined) return { kind: 'peer', nodeId: peer.nodeId, role: peer.role };
    const address = request.socket.remoteAddress ?? '';
    if (!isSecure(request) && isLoopback(address)) return { kind: 'loopback' };
    this.#assertNotFlooding(address);
    const bearer = bearerOf(request.headers.authorization);
    if (bearer === undefined) {
      this.#options.buckets.take(address);
      return { kind: 'stranger' };
    }
    return await this.#tokenViewer(bearer, address);
  }

  async #tokenViewer(bearer: string, address: string): Promise<Viewer> {
    try {
      const { subject, role } = await this.#options.tokens.verifyToken(bearer);
      return { kind: 'token', subject, ...(role === undefined ? {} : { role }) };
    } catch (cause) {
      this.#options.buckets.take(address);
      throw new ServerError(
        'token_refused',
        'Asking with a token: it is expired, for another node, or not of this mesh',
        {
          cause,
        },
      );
    }
  }

  #assertNotFlooding(address: string): void {
    const waitMs = this.#options.buckets.waitMs(address);
    if (waitMs > 0)
      throw new ServerError('too_many_requests', 'Asking: too many requests from this address', {
        data: { retry_after_s: Math.max(1, Math.ceil(waitMs / 1000)) },
      });
  }
}

function isSecure(request: IncomingMessage): boolean {
  return 'encrypted' in request.socket;
}

const REFUSALS: Partial<Record<ServerErrorCode, string>> = {
  stranger_refused: 'Asking without identity: only this machine, peers of the mesh and holders of a token may ask this',
  foreign_host: 'Asking on loopback: the Host header must be 127.0.0.1, localhost or [::1] with this port',
  foreign_origin: 'Asking the control API: a page of another site may not',
  owner_over_tls: 'Asking the control API: it is not for peers',
  owner_not_local: 'Asking the control API: it answers on 127.0.0.1 only',
  local_token_wrong: 'Asking the control API: the local token is missing or wrong',
};
