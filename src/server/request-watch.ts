/** From a request's arrival to its end, however it ends: one line in the log, one count. Spec: 05-http §5 no. 5, §8, §9. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock, Logger } from '../core/index.ts';
import type { ServerLimits } from './limits.ts';
import type { HttpMetrics } from './metrics.ts';
import { beginContext } from './request-context.ts';

export interface RequestWatchOptions {
  readonly limits: ServerLimits;
  readonly metrics: HttpMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly closing: AbortSignal;
}

/** Of each connection, those that have not left. */
const answersOf = new WeakMap<Duplex, Set<ServerResponse>>();

/** A whole request has come of which the answer has not left, or an answer has begun. */
export function owesAnswers(socket: Duplex): boolean {
  for (const { req, headersSent } of answersOf.get(socket) ?? []) if (req.complete || headersSent) return true;
  return false;
}

export function watchRequest(request: IncomingMessage, response: ServerResponse, options: RequestWatchOptions): void {
  const { limits, metrics, logger, clock, closing } = options;
  const context = beginContext(request, clock.monotonicMs());
  const remote = request.socket.remoteAddress;
  const answers = answersOf.get(request.socket) ?? new Set();
  answersOf.set(request.socket, answers.add(response));
  // The socket's timer starts anew whenever the system took bytes. Silence of ours is not the reader's.
  response.setTimeout(limits.stalledReaderMs, () => {
    if (request.socket.writableLength > 0) response.destroy();
  });
  // The connection ends after this answer, so that closing waits for answers and not for idle clients.
  if (closing.aborted) response.shouldKeepAlive = false;
  const lastAnswer = (): void => {
    response.shouldKeepAlive = false;
  };
  closing.addEventListener('abort', lastAnswer, { once: true });
  response.once('close', () => {
    answers.delete(response);
    closing.removeEventListener('abort', lastAnswer);
    if (closing.aborted) request.socket.end();
    const status = response.headersSent ? response.statusCode : 0;
    metrics.request(context.route, status);
    logger.debug(
      {
        method: request.method,
        route: context.route,
        status,
        viewer: context.viewer.kind,
        remote,
        bytes: context.sentBytes,
        complete: response.writableFinished,
        ms: Math.round(clock.monotonicMs() - context.startedMs),
      },
      'request',
    );
  });
}
