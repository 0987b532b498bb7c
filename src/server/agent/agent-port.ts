/**
 * The agent port as one thing to open and close: loopback only, no other address is ever listened on.
 * Spec: docs/spec/05-http.md §10.
 */
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Logger, messageOf, systemCodeOf } from '../../core/index.ts';
import { isOwnHost, isOwnOrigin } from '../access.ts';
import { toErrorAnswer, toKnownError } from '../error-answer.ts';
import { ServerError } from '../errors.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { mountAgentRoutes } from './agent-routes.ts';
import type { AgentContent } from './ports.ts';

export interface AgentPortOptions {
  /** 0 for any free one. */
  readonly port: number;
  readonly content: AgentContent;
  readonly logger: Logger;
}

export interface AgentPort extends AsyncDisposable {
  readonly port: number;
}

const HOST = '127.0.0.1';

/** Throws ServerError `port_in_use`, `cannot_listen`. */
export async function openAgentPort({ port, content, logger }: AgentPortOptions): Promise<AgentPort> {
  const app = createAgentApp();
  app.addHook('onRequest', async ({ headers, socket }, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
    assertFromHere(headers, socket.localPort ?? 0);
  });
  app.setNotFoundHandler((_request, reply) =>
    answerError(new ServerError('route_not_found', 'Asking: no route has this path'), reply),
  );
  app.setErrorHandler((thrown, request: FastifyRequest, reply) => {
    const answer = answerError(thrown, reply);
    if (reply.statusCode === 500) logger.error({ err: thrown, route: request.routeOptions.url }, 'a request failed');
    return answer;
  });
  mountAgentRoutes(app, content);
  await listen(app, port);
  const close = async (): Promise<void> => void (await app.close());
  return { port: (app.server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

function createAgentApp(): FastifyInstance {
  const { bodyBytes, headerBytes, headerMs, requestMs, keepAliveMs } = SERVER_LIMITS;
  const app = fastify({
    bodyLimit: bodyBytes,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: true,
    http: { maxHeaderSize: headerBytes, headersTimeout: headerMs },
  });
  app.server.maxConnections = SERVER_LIMITS.agentConnections;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: FastifyRequest, body: string) =>
    parseBody(body),
  );
  return app;
}

function parseBody(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ServerError('bad_request', 'Reading a request body: it is not JSON', { cause });
  }
}

/** A page in a browser of this machine, under a name re-pointed at it or from another site, gets nothing. */
function assertFromHere({ host, origin }: FastifyRequest['headers'], port: number): void {
  if (!isOwnHost(host, port))
    throw new ServerError('foreign_host', 'Asking the agent: the Host header must be this machine with this port');
  if (origin !== undefined && !isOwnOrigin(origin, port))
    throw new ServerError('foreign_origin', 'Asking the agent: a page of another site may not');
}

async function listen(app: FastifyInstance, port: number): Promise<void> {
  try {
    await app.listen({ host: HOST, port });
  } catch (cause) {
    await app.close();
    const data = { host: HOST, port };
    if (systemCodeOf(cause) !== 'EADDRINUSE')
      throw new ServerError('cannot_listen', `Listening on ${HOST}:${port}: ${messageOf(cause)}`, { cause, data });
    const advice = 'the port is taken; choose another with --agent-port, or --agent-port 0 for any free one';
    throw new ServerError('port_in_use', `Listening on ${HOST}:${port}: ${advice}`, { cause, data });
  }
}

/** `error` is the code here: what agents' clients read (docs/spec/05-http.md §10). */
function answerError(thrown: unknown, reply: FastifyReply): FastifyReply {
  const { status, headers, body } = toErrorAnswer(toKnownError(thrown));
  return reply.code(status).headers(headers).send({ error: body.code, message: body.error });
}
