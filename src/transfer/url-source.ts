/** Pieces from a plain URL with ranges: a CDN, a hub, a file server. Spec: docs/spec/10-transfer.md §10. */
import type { ByteRange } from '../content/index.ts';
import { TransferError } from './errors.ts';
import type { HttpExchange } from './http-lane.ts';
import type { BlobToGet, Lane, PieceSource, ReceiveBytes } from './ports.ts';
import { errorOfStatus, type ResponseHead, verifyBodyLength, verifyRangeHead } from './response-head.ts';
import { findRoute, type LookUp, type Route, type RouteOptions, requestFor } from './url-route.ts';

export interface UrlPieceSourceOptions {
  readonly id: string;
  /** Configured by this node's owner, never named by a peer. No user or password in it. */
  readonly url: string;
  readonly blob: BlobToGet;
  /** The Authorization field's value, for the URL's own scheme, host and port alone. */
  readonly authorization?: () => string | undefined;
  /** Authorities for https instead of the system's. */
  readonly ca?: string | Buffer;
  readonly lookUp?: LookUp;
  /** Which addresses a redirect may lead to, where the URL itself is at such a one; those of everybody unless given. */
  readonly isPublic?: (address: string) => boolean;
}

export class UrlPieceSource implements PieceSource {
  readonly id: string;
  readonly tier = 2;
  readonly #route: RouteOptions;
  readonly #blob: BlobToGet;

  /** Throws TransferError `refused` for what is no plain http(s) URL. */
  constructor({ id, url, blob, ...how }: UrlPieceSourceOptions) {
    this.id = id;
    this.#blob = blob;
    this.#route = { ...how, url: parseUrl(url), sizeBytes: blob.sizeBytes };
  }

  async openLane(signal: AbortSignal): Promise<Lane> {
    const route = await findRoute(this.#route, signal);
    if (!route.isWholeOnly || this.#blob.sizeBytes <= this.#blob.pieceBytes) return new UrlLane(this.#route, route);
    route.lane.close();
    throw noRanges(this.#route.url);
  }
}

class UrlLane implements Lane {
  readonly #options: RouteOptions;
  readonly #ending = new AbortController();
  #route: Route;

  constructor(options: RouteOptions, route: Route) {
    this.#options = options;
    this.#route = route;
  }

  async read(range: ByteRange, receive: ReceiveBytes, signal: AbortSignal): Promise<void> {
    const both = AbortSignal.any([signal, this.#ending.signal]);
    let hasBytes = false;
    const counting: ReceiveBytes = (bytes) => {
      hasBytes = true;
      return receive(bytes);
    };
    try {
      await this.#readOnce(range, counting, both);
    } catch (thrown) {
      if (hasBytes || !this.#mayHaveRunOut(thrown)) throw thrown;
      this.#route = await findRoute(this.#options, both);
      await this.#readOnce(range, counting, both);
    }
  }

  close(): void {
    this.#ending.abort();
    this.#route.lane.close();
  }

  async #readOnce(range: ByteRange, receive: ReceiveBytes, signal: AbortSignal): Promise<void> {
    const { isWholeOnly, reopen } = this.#route;
    if (!isWholeOnly) return await this.#route.lane.exchange(this.#exchange(range, receive), signal);
    if (!isWhole(range, this.#options.sizeBytes)) throw noRanges(this.#options.url);
    this.#route = { ...this.#route, lane: await reopen(signal) };
    await this.#route.lane.exchange(this.#exchange(range, receive), signal);
  }

  #exchange(range: ByteRange, receive: ReceiveBytes): HttpExchange {
    const { url, fields, etag } = this.#route;
    const isStrong = etag?.startsWith('"') === true;
    const more = [`Range: bytes=${range.start}-${range.end - 1}`, ...(isStrong ? [`If-Range: ${etag}`] : [])];
    const verifyHead = (head: ResponseHead): void => this.#verifyHead(head, range);
    return { request: requestFor(url, [...fields, ...more]), verifyHead, ...range, receive };
  }

  #verifyHead(head: ResponseHead, range: ByteRange): void {
    const { sizeBytes } = this.#options;
    const etag = head.fields.get('etag');
    if (head.status === 200 && isWhole(range, sizeBytes)) verifyBodyLength(head, sizeBytes);
    else if (head.status === 200) throw noRanges(this.#options.url);
    else if (head.status !== 206) throw errorOfStatus(head);
    else verifyRangeHead(head, { ...range, sizeBytes, etag: etag ?? '' });
    if (etag !== this.#route.etag)
      throw new TransferError('bad_response', `Asking ${this.#options.url.host}: the file has changed meanwhile`);
  }

  /** Signed links of hubs end after minutes; the configured URL then gives a new one. */
  #mayHaveRunOut(thrown: unknown): boolean {
    const isFinal = thrown instanceof TransferError && (thrown.code === 'refused' || thrown.code === 'not_held');
    return isFinal && this.#route.isRedirected;
  }
}

function isWhole({ start, end }: ByteRange, sizeBytes: number): boolean {
  return start === 0 && end === sizeBytes;
}

function noRanges({ host }: URL): TransferError {
  return new TransferError(
    'bad_response',
    `Asking ${host}: it sends the whole file where a range was asked for; a mirror must know byte ranges`,
  );
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}` === '';
  if (isPlain) return url;
  throw new TransferError('refused', 'Reading a mirror’s URL: it is not http or https, or has a user in it');
}
