/**
 * Pieces by HTTP range requests, as nodes serve them: `GET {base}/v1/blobs/{sha256}` and `…/pieces`.
 * Spec: docs/spec/10-transfer.md §3.
 */
import { type ByteRange, pieceLayout } from '../content/index.ts';
import type { NodeId } from '../core/index.ts';
import { type DifferenceAnswer, PROTOCOL_LIMITS } from '../protocol/index.ts';
import { readDifferenceAnswer } from './ask-difference.ts';
import { collectBytes } from './collect-bytes.ts';
import type { Target } from './connect.ts';
import { TransferError } from './errors.ts';
import { type HttpExchange, HttpLane } from './http-lane.ts';
import { followPieces } from './http-pieces-news.ts';
import { askOverHttp } from './http-question.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import type {
  BlobToGet,
  DifferenceQuestion,
  Lane,
  PieceNews,
  PieceSource,
  ReceiveBytes,
  TlsCredentials,
} from './ports.ts';
import { errorOfStatus, type ResponseHead, verifyBodyLength, verifyRangeHead } from './response-head.ts';

export interface HttpPieceSourceOptions {
  readonly id: string;
  readonly nodeId?: NodeId;
  /** `http://host:port` or `https://host:port`, with a path prefix if need be; never with user or password. */
  readonly baseUrl: string;
  readonly blob: BlobToGet;
  /** Needed for https. */
  readonly tls?: TlsCredentials;
  /** The Authorization field's value, asked anew for every request. */
  readonly authorization?: () => string | undefined;
  /** One on this machine, `maxLanesPerSource` elsewhere, unless given. */
  readonly lanes?: number;
  readonly expectedRate?: number;
}

/** Where one connection always fills the path. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;
const FIELD_VALUE = /^[\x21-\x7e][\x20-\x7e]*$/;

export class HttpPieceSource implements PieceSource {
  readonly id: string;
  readonly nodeId?: NodeId;
  readonly lanes: number;
  readonly expectedRate?: number;
  readonly #blob: BlobToGet;
  readonly #target: Target;
  readonly #hostField: string;
  readonly #path: string;
  readonly #authorization: () => string | undefined;

  /** Throws TransferError `refused` for a URL that is not plain http(s), or https without credentials. */
  constructor(options: HttpPieceSourceOptions) {
    const url = parseBaseUrl(options);
    this.id = options.id;
    if (options.nodeId !== undefined) this.nodeId = options.nodeId;
    if (options.expectedRate !== undefined) this.expectedRate = options.expectedRate;
    this.#blob = options.blob;
    this.#target = toTarget(url, options.tls);
    this.lanes = options.lanes ?? (LOOPBACK.test(this.#target.host) ? 1 : TRANSFER_LIMITS.maxLanesPerSource);
    this.#hostField = url.host;
    this.#path = `${url.pathname.replace(/\/$/, '')}/v1/blobs/${options.blob.sha256}`;
    this.#authorization = options.authorization ?? (() => undefined);
  }

  async openLane(signal: AbortSignal): Promise<Lane> {
    const lane = await HttpLane.open(this.#target, signal);
    return {
      depth: TRANSFER_LIMITS.laneDepth,
      roundTripMs: lane.roundTripMs,
      read: (range, receive, readSignal) => lane.exchange(this.#rangeExchange(range, receive), readSignal),
      close: () => lane.close(),
      get isUsable() {
        return lane.isUsable;
      },
      get arrivedBytes() {
        return lane.arrivedBytes;
      },
    };
  }

  async pieceHashes(sizeBytes: number, signal: AbortSignal): Promise<Buffer> {
    const lane = await HttpLane.open(this.#target, signal);
    try {
      const request = this.#request(`${this.#path}/pieces?root=${this.#blob.pieceRoot}`, []);
      const verifyHead = (head: ResponseHead): void => verifyListHead(head, sizeBytes);
      const list = { request, verifyHead, start: 0, end: sizeBytes };
      return await collectBytes(sizeBytes, (receive) => lane.exchange({ ...list, receive }, signal));
    } finally {
      lane.close();
    }
  }

  async followPieces(tell: (news: PieceNews) => void, signal: AbortSignal): Promise<void> {
    const { pieceRoot, sizeBytes } = this.#blob;
    const request = this.#request(`${this.#path}/have?follow=1&root=${pieceRoot}`, []);
    const { pieceCount } = pieceLayout(sizeBytes);
    await followPieces({ target: this.#target, request, pieceCount }, tell, signal);
  }

  async askDifference({ bases, madeOnly }: DifferenceQuestion, signal: AbortSignal): Promise<DifferenceAnswer> {
    const request = this.#request(`${this.#path}/difference?base=${bases.join(',')}${madeOnly ? '&made=1' : ''}`, []);
    const maxBytes = PROTOCOL_LIMITS.differenceAnswerBytes;
    const question = { target: this.#target, request, maxBytes, statuses: [200, 202] };
    return readDifferenceAnswer(await askOverHttp(question, signal));
  }

  #rangeExchange(range: ByteRange, receive: ReceiveBytes): HttpExchange {
    const etag = `"${this.#blob.sha256}"`;
    const wanted = { ...range, sizeBytes: this.#blob.sizeBytes, etag };
    const request = this.#request(this.#path, [`Range: bytes=${range.start}-${range.end - 1}`, `If-Match: ${etag}`]);
    const verifyHead = (head: ResponseHead): void => verifyRangeHead(head, wanted);
    return { request, verifyHead, ...range, receive };
  }

  #request(path: string, fields: readonly string[]): string {
    const authorization = this.#authorization();
    if (authorization !== undefined && !FIELD_VALUE.test(authorization))
      throw new TransferError('refused', 'Asking a peer for bytes: the authorization has characters no field may have');
    const lines = [`GET ${path} HTTP/1.1`, `Host: ${this.#hostField}`, 'Accept-Encoding: identity', ...fields];
    if (authorization !== undefined) lines.push(`Authorization: ${authorization}`);
    return `${lines.join('\r\n')}\r\n\r\n`;
  }
}

function verifyListHead(head: ResponseHead, sizeBytes: number): void {
  if (head.status !== 200) throw errorOfStatus(head);
  verifyBodyLength(head, sizeBytes);
}

function parseBaseUrl({ baseUrl, tls }: HttpPieceSourceOptions): URL {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol)) throw badUrl('is not http or https');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw badUrl('has more than scheme, host, port and path');
  if ((url.protocol === 'https:') !== (tls !== undefined))
    throw badUrl('goes with credentials exactly when it is https');
  return url;
}

function toTarget(url: URL, tls: TlsCredentials | undefined): Target {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port) || (tls === undefined ? 80 : 443);
  return tls === undefined ? { host, port } : { host, port, tls };
}

function badUrl(what: string): TransferError {
  return new TransferError('refused', `Reading a peer's URL: it ${what}`);
}
