/** Any thrown thing as status, headers and body. 05-http §7. */
import type { OutgoingHttpHeaders } from 'node:http';
import { type ErrorBody, HTTP_STATUS, toErrorBody } from '../api/index.ts';
import { systemCodeOf } from '../core/index.ts';
import { ServerError, type ServerErrorCode } from './errors.ts';

const STATUS_OF_CODE: Partial<Record<ServerErrorCode, number>> = {
  body_too_large: 413,
  headers_too_large: 431,
  wrong_media_type: 415,
  method_not_allowed: 405,
  request_timeout: 408,
  content_gone: 410,
  precondition_failed: 412,
  range_not_satisfiable: 416,
  not_held_yet: 416,
  token_refused: 401,
  too_many_requests: 429,
  too_many_streams: 429,
  no_upload_room: 429,
  no_runtime: 501,
  closing: 503,
};

/** Fastify's own refusals, by its codes, in our words. */
const FROM_FRAMEWORK: Readonly<Record<string, { readonly code: ServerErrorCode; readonly message: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'body_too_large', message: 'Reading a request body: it is larger than allowed' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'wrong_media_type',
    message: 'Reading a request body: it must be application/json',
  },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'bad_request', message: 'Reading a request body: it is not JSON' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'bad_request', message: 'Reading a request body: it is empty, not JSON' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'bad_request',
    message: 'Reading a request body: its length is not its Content-Length',
  },
  FST_ERR_BAD_URL: { code: 'bad_request', message: 'Reading a path: it is not valid percent-encoding' },
};

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: ErrorBody;
}

export function toErrorAnswer(thrown: unknown): ErrorAnswer {
  const body = toErrorBody(thrown);
  const status = STATUS_OF_CODE[body.code as ServerErrorCode] ?? HTTP_STATUS[body.kind];
  return { status, headers: headersOf(body), body };
}

/** What the framework and the store throw, in this area's words. */
export function toKnownError(thrown: unknown): unknown {
  const code = systemCodeOf(thrown) ?? '';
  const known = FROM_FRAMEWORK[code];
  if (known !== undefined) return new ServerError(known.code, known.message, { cause: thrown });
  const refused = statusOfFramework(thrown);
  if (refused === 403 || refused === 404)
    return new ServerError('route_not_found', 'Asking: no route has this path', { cause: thrown });
  if (refused !== undefined)
    return new ServerError('bad_request', 'Reading a request: it is refused as it is', { cause: thrown });
  // Said by the store between two reads of one file; its path is in the log only.
  if (code === 'blob_changed')
    return new ServerError('content_gone', 'Opening a file: it is no longer what was hashed', { cause: thrown });
  if (code === 'not_permitted' && thrown instanceof Error)
    return new ServerError('not_permitted', thrown.message, { cause: thrown });
  if (code === 'not_held_yet')
    return new ServerError('not_held_yet', 'Opening a file: nothing of it has come yet', { cause: thrown });
  if (code === 'blob_not_found')
    return new ServerError('blob_not_found', 'Opening a file: it is not here any more', { cause: thrown });
  return thrown;
}

/** Of a refusal by the framework or its page of files, which is the request's fault. */
function statusOfFramework(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || thrown.name !== 'FastifyError' || !('statusCode' in thrown)) return undefined;
  const status = Number(thrown.statusCode);
  return status >= 400 && status < 500 ? status : undefined;
}

function headersOf({ code, data }: ErrorBody): OutgoingHttpHeaders {
  // Who reads only heads, and who asked by HEAD, knows it too.
  const headers: OutgoingHttpHeaders = { 'problem-code': code };
  if (code === 'token_refused') headers['www-authenticate'] = 'Bearer error="invalid_token"';
  if (typeof data.retry_after_s === 'number') headers['retry-after'] = String(data.retry_after_s);
  if (typeof data.retry_after_ms === 'number') headers['retry-after-ms'] = String(data.retry_after_ms);
  if (code === 'range_not_satisfiable') headers['content-range'] = `bytes */${String(data.size_bytes)}`;
  if (Array.isArray(data.allow)) headers.allow = data.allow.join(', ');
  return headers;
}
