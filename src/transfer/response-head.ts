/**
 * A strict reader of HTTP/1.1 response heads: what a peer may send is small, so everything else is an error.
 * No obsolete folding, no bare LF, no second value of a field that matters. Spec: docs/spec/10-transfer.md §3.
 */
import { TransferError } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';

export interface ResponseHead {
  readonly status: number;
  /** Names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/;
const SINGLE = new Set([
  'content-length',
  'content-range',
  'transfer-encoding',
  'content-encoding',
  'etag',
  'retry-after',
  'retry-after-ms',
]);

/** Reads a head without its closing empty line. Throws TransferError `bad_response`. */
export function parseResponseHead(text: string): ResponseHead {
  const [first = '', ...lines] = text.split('\r\n');
  const status = STATUS_LINE.exec(first)?.[1];
  if (status === undefined) throw bad(`status line ${JSON.stringify(first.slice(0, 60))}`);
  if (lines.length > TRANSFER_LIMITS.maxHeadFields) throw bad(`${lines.length} fields`);
  const fields = new Map<string, string>();
  for (const line of lines) addField(fields, line);
  return { status: Number(status), fields };
}

function addField(fields: Map<string, string>, line: string): void {
  const [, name = '', value = ''] = FIELD.exec(line) ?? [];
  if (name === '') throw bad(`field line ${JSON.stringify(line.slice(0, 60))}`);
  const key = name.toLowerCase();
  if (fields.has(key) && SINGLE.has(key)) throw bad(`two ${key} fields`);
  fields.set(key, value.trimEnd());
}

const CONTENT_RANGE = /^bytes ([0-9]{1,16})-([0-9]{1,16})\/(\*|[0-9]{1,16})$/;

export interface WantedRange {
  readonly start: number;
  readonly end: number;
  readonly sizeBytes: number;
  readonly etag: string;
}

/** Checks that this is a 206 with exactly the range that was asked. Throws TransferError. */
export function verifyRangeHead(head: ResponseHead, wanted: WantedRange): void {
  if (head.status !== 206) throw errorOfStatus(head);
  verifyBodyLength(head, wanted.end - wanted.start);
  const [, start, end, size] = CONTENT_RANGE.exec(head.fields.get('content-range') ?? '') ?? [];
  const exact = Number(start) === wanted.start && Number(end) === wanted.end - 1;
  if (!exact || (size !== '*' && Number(size) !== wanted.sizeBytes))
    throw bad(
      `Content-Range ${JSON.stringify(head.fields.get('content-range') ?? '')}, wanted ${wanted.start}-${wanted.end - 1}/${wanted.sizeBytes}`,
    );
  const etag = head.fields.get('etag');
  if (etag !== undefined && etag !== wanted.etag) throw bad('an ETag of other content');
}

/** Exactly this many bytes, neither chunked nor compressed. Throws TransferError `bad_response`. */
export function verifyBodyLength(head: ResponseHead, sizeBytes: number): void {
  const encoding = head.fields.get('transfer-encoding') ?? head.fields.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw bad(`encoding ${JSON.stringify(encoding.slice(0, 60))}`);
  const length = head.fields.get('content-length') ?? 'absent';
  if (length !== String(sizeBytes)) throw bad(`Content-Length ${length.slice(0, 20)}, wanted ${sizeBytes}`);
}

/** The error a status other than the wanted one stands for. */
export function errorOfStatus(head: ResponseHead): TransferError {
  const { status } = head;
  const message = `Asking a peer for bytes: status ${status}`;
  const data = { status };
  if (status === 403 && head.fields.get('problem-code') === 'not_permitted')
    return new TransferError('not_permitted', `${message}, this node’s role may not read it`, { data });
  if (status === 401 || status === 403) return new TransferError('refused', message, { data });
  if (status === 416 && head.fields.get('problem-code') === 'not_held_yet')
    return new TransferError('not_held_yet', `${message}, that range is not there yet`, { data });
  if (status === 404 || status === 410 || status === 412 || status === 416)
    return new TransferError('not_held', message, { data });
  if (status === 408 || status === 425 || status === 429 || status >= 500) return busy(head, message);
  return new TransferError('bad_response', `${message}, wanted 206`, { data });
}

/**
 * The length of the body of a refusal that is for one request and not for the connection: 429 with `Retry-After-Ms`, and a
 * body that can be read past. Undefined for any other head.
 */
export function refusalBodyBytes(head: ResponseHead): number | undefined {
  const { status, fields } = head;
  if (status !== 429 || numberIn(head, 'retry-after-ms') === undefined) return undefined;
  if (fields.has('transfer-encoding') || fields.get('connection')?.toLowerCase() === 'close') return undefined;
  const bytes = numberIn(head, 'content-length');
  return bytes !== undefined && bytes <= TRANSFER_LIMITS.maxRefusalBytes ? bytes : undefined;
}

function busy(head: ResponseHead, message: string): TransferError {
  const seconds = numberIn(head, 'retry-after');
  const wantedMs = numberIn(head, 'retry-after-ms') ?? (seconds === undefined ? undefined : seconds * 1000);
  const data = { status: head.status };
  if (wantedMs === undefined) return new TransferError('peer_busy', message, { data });
  return new TransferError('peer_busy', message, {
    data,
    retryAfterMs: Math.min(wantedMs, TRANSFER_LIMITS.maxRetryAfterMs),
  });
}

function numberIn({ fields }: ResponseHead, name: string): number | undefined {
  const digits = /^[0-9]{1,9}$/.exec(fields.get(name) ?? '')?.[0];
  return digits === undefined ? undefined : Number(digits);
}

function bad(what: string): TransferError {
  return new TransferError('bad_response', `Reading a peer's answer: ${what}`);
}
