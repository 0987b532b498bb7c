/** Every route of the control API, mounted from its contract. Spec: docs/spec/05-http.md §6. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CONTROL_ROUTES, type ControlHandlers, type ControlRouteName, type Route } from '../api/index.ts';
import type { Clock, Logger } from '../core/index.ts';
import { parseInput } from './checked.ts';
import { ServerError } from './errors.ts';
import { sendEvents } from './event-stream.ts';
import type { ServerLimits } from './limits.ts';

export interface ControlRouteOptions {
  readonly control: ControlHandlers;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the edge closes: event streams end then, questions may still be answered. */
  readonly closing: AbortSignal;
}

interface Input {
  readonly query: unknown;
  readonly body: unknown;
  readonly params: Readonly<Record<string, string>>;
}
/** The handlers without their types, which the loop over the table cannot carry: the schemas have checked the input. */
type AnyHandler = (input: Input, signal: AbortSignal) => Promise<unknown> | AsyncIterable<unknown>;

export function mountControlRoutes(app: FastifyInstance, options: ControlRouteOptions): void {
  for (const name of Object.keys(CONTROL_ROUTES) as ControlRouteName[]) mountRoute(app, name, options);
}

function mountRoute(app: FastifyInstance, name: ControlRouteName, options: ControlRouteOptions): void {
  const route: Route = CONTROL_ROUTES[name];
  const handle = options.control[name] as unknown as AnyHandler;
  app.route({
    method: route.method,
    url: route.path,
    config: { access: route.access },
    handler: async (request, reply) => {
      const input = inputOf(name, route, request);
      const gone = goneSignal(reply);
      if (route.streams) return await answerEvents(reply, (signal) => handle(input, signal), gone, options);
      return await (handle(input, gone) as Promise<unknown>);
    },
  });
}

async function answerEvents(
  reply: FastifyReply,
  start: (signal: AbortSignal) => unknown,
  gone: AbortSignal,
  { limits, clock, logger, closing }: ControlRouteOptions,
): Promise<undefined> {
  const signal = AbortSignal.any([gone, closing]);
  await sendEvents({
    response: reply.raw,
    events: start(signal) as AsyncIterable<unknown>,
    limits,
    clock,
    signal,
    takeOver: () => void reply.hijack(),
    onFailure: (thrown) => logger.warn({ err: thrown }, 'an event stream failed'),
  });
  return undefined;
}

function inputOf(name: string, route: Route, request: FastifyRequest): Input {
  return {
    query: parseInput(route.query, request.query, `the query of ${name}`),
    body: parseInput(route.body, request.body ?? {}, `the body of ${name}`),
    params: request.params as Record<string, string>,
  };
}

/** Aborted as soon as the client is gone before its answer was. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const response = reply.raw;
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(new ServerError('closing', 'Answering: the client went away'));
  });
  return controller.signal;
}
