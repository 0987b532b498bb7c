/**
 * The Fastify application over an HTTP server that somebody else feeds with connections. Spec: docs/spec/05-http.md.
 * Every request passes the guard before its body is read; a route without an access of its own is for known viewers.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { BRIDGE_ROUTES, type ControlHandlers } from '../api/index.ts';
import type { Clock, Logger } from '../core/index.ts';
import { ProtocolError } from '../protocol/index.ts';
import type { RouteAccess } from './access.ts';
import { mountBlobRoutes } from './blob-routes.ts';
import { BlobSender } from './blob-sender.ts';
import { answerClientError } from './client-error.ts';
import { mountControlRoutes } from './control-routes.ts';
import { mountDifferenceRoute } from './difference-route.ts';
import { toErrorAnswer, toKnownError } from './error-answer.ts';
import { ServerError } from './errors.ts';
import type { Guard } from './guard.ts';
import type { HaveBook } from './have/have-book.ts';
import { mountHaveRoute } from './have/have-route.ts';
import type { ServerLimits } from './limits.ts';
import type { HttpMetrics } from './metrics.ts';
import { mountModelRoutes } from './model-routes.ts';
import { buildOpenApi } from './openapi.ts';
import type { ServedContent, UploadGate, Viewer } from './ports.ts';
import { contextOf } from './request-context.ts';
import { watchRequest } from './request-watch.ts';
import { UploadRooms } from './upload-rooms.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess;
  }
}

export interface AppOptions {
  readonly content: ServedContent;
  readonly control: ControlHandlers | undefined;
  readonly uploadGate?: UploadGate | undefined;
  readonly guard: Guard;
  readonly limits: ServerLimits;
  readonly metrics: HttpMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly closing: AbortSignal;
  readonly follows: HaveBook;
  readonly port: () => number;
  readonly version: string;
}

export interface App {
  readonly http: Server;
  readonly fastify: FastifyInstance;
}

/** Ready to be fed with connections. */
export async function createApp(options: AppOptions): Promise<App> {
  const box: { http?: Server } = {};
  const app = fastify({
    serverFactory: (handler) => {
      box.http = createHttpServer(handler, options);
      return box.http;
    },
    bodyLimit: options.limits.bodyBytes,
    exposeHeadRoutes: false,
    clientErrorHandler: (cause, socket) => answerClientError(cause, socket, options.metrics),
    frameworkErrors: (thrown, request, reply) => answerError(thrown, request, reply, options),
    routerOptions: { maxParamLength: options.limits.headerBytes },
  });
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    if (!request.url.startsWith('/docs/')) reply.header('cache-control', 'no-store');
    await admit(request, options);
  });
  app.setErrorHandler((thrown, request, reply) => answerError(thrown, request, reply, options));
  app.setNotFoundHandler((request, reply) => answerError(notFound(request), request, reply, options));
  await mountRoutes(app, options);
  await app.ready();
  if (box.http === undefined) throw new Error('Fastify did not ask for its server');
  return { http: box.http, fastify: app };
}

async function mountRoutes(app: FastifyInstance, options: AppOptions): Promise<void> {
  const { content, control, limits, metrics, logger, clock, closing, follows } = options;
  const document = buildOpenApi(options.version);
  await app.register(fastifySwagger, { mode: 'static', specification: { document: document as never } });
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    uiConfig: { validatorUrl: null },
    staticCSP: DOCS_POLICY,
  });
  const onSending = follows.noteSending.bind(follows);
  const { uploadGate } = options;
  const rooms = new UploadRooms(follows, clock);
  const sender = new BlobSender({ content, limits, metrics, logger, onSending, uploadGate, rooms });
  mountServiceRoutes(app, options, document);
  mountModelRoutes(app, { content, sender });
  mountBlobRoutes(app, { content, sender });
  mountDifferenceRoute(app, content);
  mountHaveRoute(app, { content, book: follows, limits, clock, closing });
  if (control !== undefined) mountControlRoutes(app, { control, limits, clock, logger, closing });
}

/** The page's own files only: neither the page nor a model's text in it can reach elsewhere. */
const DOCS_POLICY = {
  'default-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'frame-ancestors': ["'none'"],
};

function mountServiceRoutes(app: FastifyInstance, { content, metrics, port }: AppOptions, document: object): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: BRIDGE_ROUTES.health.path,
    config: { access: 'anyone' },
    handler: async () => ({ status: 'ok', models_available: content.modelCount(), http_port: port() }),
  });
  app.route({
    method: 'GET',
    url: BRIDGE_ROUTES.metrics.path,
    config: { access: 'known' },
    handler: async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  });
  app.route({
    method: 'GET',
    url: '/openapi.json',
    config: { access: 'known' },
    handler: async () => document,
  });
}

function createHttpServer(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  options: AppOptions,
): Server {
  const { limits } = options;
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headerMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.connectionCheckMs,
      // The guard refuses a missing Host itself, with a body.
      requireHostHeader: false,
      noDelay: true,
      // Any other protocol that a client would rather speak is not offered: it gets its answer in this one.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    },
    (request, response) => {
      watchRequest(request, response, options);
      handler(request, response);
    },
  );
  // One more than allowed, so that the guard sees that there were more.
  server.maxHeadersCount = limits.headerFields + 1;
  return server;
}

async function admit(request: FastifyRequest, { guard }: AppOptions): Promise<void> {
  const context = contextOf(request.raw);
  context.route = request.routeOptions.url ?? 'none';
  const access = request.is404 ? accessOf404(request) : (request.routeOptions.config.access ?? 'known');
  context.viewer = await guard.admit(request.raw, access);
}

/** A stranger may learn that a path under its own routes is wrong, and nothing of the others. */
function accessOf404(request: FastifyRequest): RouteAccess {
  return request.url.startsWith('/api/') ? 'owner' : 'reader';
}

const READ_ONLY = /^\/(health|v1\/(models|blobs)|metrics|openapi\.json|docs)(\/|\?|$)/;

function notFound(request: FastifyRequest): ServerError {
  if (READ_ONLY.test(request.url) && request.method !== 'GET' && request.method !== 'HEAD')
    return new ServerError('method_not_allowed', `Asking ${request.method}: this path answers GET and HEAD`, {
      data: { allow: ['GET', 'HEAD'] },
    });
  return new ServerError('route_not_found', 'Asking: no route has this path');
}

function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply, options: AppOptions): FastifyReply {
  const error = toKnownError(thrown);
  const answer = toErrorAnswer(isForEyesOf(contextOf(request.raw).viewer, error) ? error : undefined);
  if (answer.status === 401 || answer.status === 403 || answer.status === 429)
    options.metrics.refused(answer.body.code);
  // A client that left before its answer made its work fail: nobody's fault.
  if (answer.status >= 500 && !reply.raw.destroyed)
    options.logger.error({ err: thrown, route: request.routeOptions.url }, 'a request failed');
  reply.code(answer.status).headers(answer.headers).header('cache-control', 'no-store');
  return reply.type('application/json').send(JSON.stringify(answer.body));
}

/** Errors of other areas may name paths of this machine: the owner and peers may read them, others may not. */
function isForEyesOf(viewer: Viewer, error: unknown): boolean {
  if (viewer.kind === 'loopback' || viewer.kind === 'peer') return true;
  return error instanceof ServerError || error instanceof ProtocolError;
}
