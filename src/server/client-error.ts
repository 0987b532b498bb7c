/** The last words to a connection whose bytes are not a request. Spec: docs/spec/05-http.md §5 no. 2, §7. */
import type { Duplex } from 'node:stream';
import { systemCodeOf } from '../core/index.ts';
import { toErrorAnswer } from './error-answer.ts';
import { ServerError } from './errors.ts';
import type { HttpMetrics } from './metrics.ts';
import { owesAnswers } from './request-watch.ts';

export function answerClientError(cause: Error, socket: Duplex, metrics: HttpMetrics): void {
  const code = systemCodeOf(cause);
  // Words now would be read as part of another request's answer, or in its place.
  if (code === 'ECONNRESET' || !socket.writable || owesAnswers(socket)) {
    socket.destroy();
    return;
  }
  const { status, body } = toErrorAnswer(errorOf(code));
  metrics.refused(body.code);
  const json = JSON.stringify(body);
  const head = `HTTP/1.1 ${status} ${REASONS[status] ?? 'Bad Request'}\r\nContent-Type: application/json\r\n`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(json)}\r\nConnection: close\r\n\r\n${json}`, () =>
    socket.destroy(),
  );
}

const REASONS: Readonly<Record<number, string>> = {
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

function errorOf(code: string | undefined): ServerError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new ServerError('headers_too_large', 'Reading a header: it has too many bytes');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ServerError('request_timeout', 'Reading a request: it came too slowly');
  return new ServerError('malformed_request', 'Reading a request: it is not HTTP/1.1');
}
