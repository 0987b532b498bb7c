/** What to answer for a file: status, headers, and which bytes in which order. Pure. Spec: docs/spec/05-http.md §3. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Sha256 } from '../core/index.ts';
import { type ByteSpan, planRanges } from './byte-ranges.ts';
import { ServerError } from './errors.ts';
import { evaluatePreconditions } from './preconditions.ts';

export interface BlobQuestion {
  readonly method: 'GET' | 'HEAD';
  readonly headers: IncomingHttpHeaders;
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly maxRanges: number;
  /** Of a part: is all of [start, end) here? Absent: everything is. */
  readonly holds?: ((start: number, end: number) => boolean) | undefined;
  /** For multipart: must not occur in the file but by chance of 2^-128. */
  readonly boundary: string;
}

/** Words of the envelope, or bytes of the file. */
export type Segment = { readonly text: string } | { readonly span: ByteSpan };

export interface BlobAnswer {
  readonly status: 200 | 206 | 304;
  readonly headers: OutgoingHttpHeaders;
  readonly segments: readonly Segment[];
}

const CONTENT_TYPE = 'application/octet-stream';

/** Throws ServerError `precondition_failed`, `range_not_satisfiable`; for a part `blob_not_found`, `not_held_yet`. */
export function planBlobAnswer(question: BlobQuestion): BlobAnswer {
  const { sha256, sizeBytes, headers } = question;
  const outcome = evaluatePreconditions(headers, sha256);
  if (outcome === 'failed')
    throw new ServerError('precondition_failed', 'Reading a file: If-Match names other content', { data: { sha256 } });
  if (outcome === 'not_modified') return { status: 304, headers: commonHeaders(question), segments: [] };
  const ranged = question.method === 'GET' && outcome === 'go';
  const plan = planRanges(ranged ? headers.range : undefined, sizeBytes, question.maxRanges);
  if (plan.kind === 'unsatisfiable')
    throw new ServerError(
      'range_not_satisfiable',
      `Reading a file: no requested range lies in its ${sizeBytes} bytes`,
      {
        data: { size_bytes: sizeBytes },
      },
    );
  if (plan.kind === 'whole') return answerWhole(question);
  for (const span of plan.parts) verifyHeld(question, span);
  const [only, ...others] = plan.parts;
  if (only !== undefined && others.length === 0) return answerSpan(question, only);
  return answerMultipart(question, plan.parts);
}

function verifyHeld({ holds, sha256 }: BlobQuestion, { start, end }: ByteSpan): void {
  if (holds === undefined || holds(start, end)) return;
  throw new ServerError('not_held_yet', `Reading a blob: bytes ${start} to ${end} are not all here yet`, {
    data: { sha256 },
  });
}

function answerWhole(question: BlobQuestion): BlobAnswer {
  const { sizeBytes, method } = question;
  // A part must never look like the whole.
  if (question.holds !== undefined)
    throw new ServerError('blob_not_found', 'Reading a blob: it is not here as a whole', {
      data: { sha256: question.sha256 },
    });
  const headers = { ...commonHeaders(question), 'content-type': CONTENT_TYPE, 'content-length': sizeBytes };
  const segments = method === 'GET' && sizeBytes > 0 ? [{ span: { start: 0, end: sizeBytes } }] : [];
  return { status: 200, headers, segments };
}

function answerSpan(question: BlobQuestion, span: ByteSpan): BlobAnswer {
  const headers = {
    ...commonHeaders(question),
    'content-type': CONTENT_TYPE,
    'content-length': span.end - span.start,
    'content-range': contentRange(span, question.sizeBytes),
  };
  return { status: 206, headers, segments: [{ span }] };
}

function answerMultipart(question: BlobQuestion, spans: readonly ByteSpan[]): BlobAnswer {
  const { boundary, sizeBytes } = question;
  const segments: Segment[] = [];
  let length = 0;
  const say = (text: string): void => {
    segments.push({ text });
    length += text.length;
  };
  for (const span of spans) {
    const head = `--${boundary}\r\nContent-Type: ${CONTENT_TYPE}\r\nContent-Range: ${contentRange(span, sizeBytes)}\r\n\r\n`;
    say(head);
    segments.push({ span });
    length += span.end - span.start;
    say('\r\n');
  }
  say(`--${boundary}--\r\n`);
  const headers = {
    ...commonHeaders(question),
    'content-type': `multipart/byteranges; boundary=${boundary}`,
    'content-length': length,
  };
  return { status: 206, headers, segments };
}

function commonHeaders({ sha256 }: BlobQuestion): OutgoingHttpHeaders {
  return {
    'accept-ranges': 'bytes',
    etag: `"${sha256}"`,
    'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
    'cache-control': 'private, no-transform',
    'x-content-type-options': 'nosniff',
  };
}

function contentRange({ start, end }: ByteSpan, sizeBytes: number): string {
  return `bytes ${start}-${end - 1}/${sizeBytes}`;
}
