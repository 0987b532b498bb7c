/**
 * The way from a configured URL to the server that has the bytes: redirects, addresses, and what is shown to whom.
 * What a server controls: where it sends us. It cannot send us into our own network, from https to http, on and on, or
 * with our token. Spec: docs/spec/10-transfer.md §10.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Target } from './connect.ts';
import { TransferError } from './errors.ts';
import { HttpLane } from './http-lane.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import { isLoopbackAddress, isPublicAddress } from './public-address.ts';
import { errorOfStatus, type ResponseHead, verifyBodyLength, verifyRangeHead } from './response-head.ts';

/** All addresses of a host. */
export type LookUp = (host: string) => Promise<readonly string[]>;

export interface RouteOptions {
  readonly url: URL;
  readonly sizeBytes: number;
  /** The Authorization field's value. */
  readonly authorization?: (() => string | undefined) | undefined;
  /** Authorities for https instead of the system's. */
  readonly ca?: string | Buffer | undefined;
  readonly lookUp?: LookUp | undefined;
  /** Which addresses a redirect may lead to. */
  readonly isPublic?: ((address: string) => boolean) | undefined;
}

/** Where the bytes are, with a connection that is open. */
export interface Route {
  readonly url: URL;
  readonly lane: HttpLane;
  readonly isRedirected: boolean;
  /** The server's own; undefined when it gave none. */
  readonly etag: string | undefined;
  /** It knows no ranges: only the whole can be asked for, on a connection of its own. */
  readonly isWholeOnly: boolean;
  /** Fields of every request there. */
  readonly fields: readonly string[];
  /** The same server again. */
  reopen(signal: AbortSignal): Promise<HttpLane>;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const FIELD_VALUE = /^[\x21-\x7e][\x20-\x7e]*$/;

type Found = { readonly to: URL } | { readonly etag: string | undefined; readonly isWholeOnly: boolean };

/** Asks for the first byte, along the redirects. Throws TransferError. */
export async function findRoute(options: RouteOptions, signal: AbortSignal): Promise<Route> {
  const isPublic = options.isPublic ?? isPublicAddress;
  let url = options.url;
  let mustBePublic = false;
  let isHome = true;
  for (let hop = 0; hop <= TRANSFER_LIMITS.maxRedirects; hop += 1) {
    const addresses = await addressesOf(options, url);
    // Its owner chooses its addresses: one inside beside one outside must not open the inside.
    if (hop === 0) mustBePublic = addresses.some(isPublic);
    // The address that was judged is the one connected to: a name could be another a moment later.
    else if (mustBePublic && !addresses.every(isPublic)) throw sentInside(url);
    isHome &&= url.origin === options.url.origin;
    const fields = fieldsFor(options, url, isHome, addresses);
    const reopen = (over: AbortSignal): Promise<HttpLane> => openFirst(options, url, addresses, over);
    const lane = await reopen(signal);
    const found = await probe(lane, url, fields, options.sizeBytes, signal);
    if (!('to' in found)) return { url, lane, fields, reopen, isRedirected: hop > 0, ...found };
    url = found.to;
  }
  throw new TransferError(
    'bad_response',
    `Asking ${options.url.host}: more than ${TRANSFER_LIMITS.maxRedirects} redirects`,
  );
}

async function probe(
  lane: HttpLane,
  url: URL,
  fields: readonly string[],
  sizeBytes: number,
  signal: AbortSignal,
): Promise<Found> {
  let found: Found | undefined;
  const verifyHead = (head: ResponseHead): void => {
    found = readProbe(head, url, sizeBytes);
    if ('to' in found || found.isWholeOnly) throw new TransferError('cancelled', 'what follows is not read');
  };
  const request = requestFor(url, [...fields, 'Range: bytes=0-0']);
  try {
    await lane.exchange({ request, verifyHead, start: 0, end: 1, receive: () => {} }, signal);
  } catch (thrown) {
    lane.close();
    if (found === undefined) throw thrown;
  }
  if (found === undefined) throw new TransferError('bad_response', `Asking ${url.host}: no answer to be read`);
  return found;
}

function readProbe(head: ResponseHead, url: URL, sizeBytes: number): Found {
  const etag = head.fields.get('etag');
  if (REDIRECTS.has(head.status)) return { to: nextHop(head.fields.get('location'), url) };
  if (head.status === 200) {
    verifyBodyLength(head, sizeBytes);
    return { etag, isWholeOnly: true };
  }
  if (head.status !== 206) throw errorOfStatus(head);
  verifyRangeHead(head, { start: 0, end: 1, sizeBytes, etag: etag ?? '' });
  // A total of `*` would pass as any size.
  if (!head.fields.get('content-range')?.endsWith(`/${sizeBytes}`))
    throw new TransferError('bad_response', `Asking ${url.host}: it does not say that the file has ${sizeBytes} bytes`);
  return { etag, isWholeOnly: false };
}

function nextHop(location: string | undefined, from: URL): URL {
  const url = URL.parse(location ?? '', from.href);
  const why = whyNotFollowed(url, from);
  if (url !== null && why === undefined) return url;
  throw new TransferError('refused', `Following a redirect of ${from.host}: ${why ?? 'it leads nowhere'}`);
}

function whyNotFollowed(url: URL | null, from: URL): string | undefined {
  if (url === null || !/^https?:$/.test(url.protocol)) return 'it does not lead to http or https';
  if (from.protocol === 'https:' && url.protocol !== 'https:') return 'it leads from https to http';
  return `${url.username}${url.password}` === '' ? undefined : 'it has a user or a password in it';
}

/** What is shown to the server: the token to the configured one only, and never where others could read it. */
function fieldsFor(options: RouteOptions, url: URL, isHome: boolean, addresses: readonly string[]): string[] {
  const fields = [`Host: ${url.host}`, 'User-Agent: atmosphere', 'Accept-Encoding: identity'];
  const authorization = isHome ? options.authorization?.() : undefined;
  if (authorization === undefined) return fields;
  if (!FIELD_VALUE.test(authorization))
    throw new TransferError('refused', 'Asking a mirror: the token has characters that no field may have');
  if (url.protocol !== 'https:' && !addresses.every(isLoopbackAddress))
    throw new TransferError('refused', `Asking ${url.host}: a token goes over https only, or to this machine`);
  return [...fields, `Authorization: ${authorization}`];
}

export function requestFor(url: URL, fields: readonly string[]): string {
  return `${[`GET ${url.pathname}${url.search} HTTP/1.1`, ...fields].join('\r\n')}\r\n\r\n`;
}

async function addressesOf({ lookUp = systemLookUp }: RouteOptions, url: URL): Promise<readonly string[]> {
  const host = hostOf(url);
  if (isIP(host) !== 0) return [host];
  try {
    const addresses = await lookUp(host);
    if (addresses.length > 0) return addresses.slice(0, TRANSFER_LIMITS.addressesPerHost);
  } catch (cause) {
    throw new TransferError('peer_unreachable', `Looking up ${host}: it has no address`, { cause });
  }
  throw new TransferError('peer_unreachable', `Looking up ${host}: it has no address`);
}

async function openFirst(
  options: RouteOptions,
  url: URL,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<HttpLane> {
  let last: unknown;
  for (const address of addresses) {
    try {
      return await HttpLane.open(targetOf(options, url, address), signal);
    } catch (thrown) {
      last = thrown;
      if (!(thrown instanceof TransferError) || thrown.code !== 'peer_unreachable') throw thrown;
    }
  }
  throw last;
}

function targetOf({ ca }: RouteOptions, url: URL, address: string): Target {
  const isSecure = url.protocol === 'https:';
  const port = Number(url.port) || (isSecure ? 443 : 80);
  if (!isSecure) return { host: address, port };
  return { host: address, port, web: { name: hostOf(url), ...(ca === undefined ? {} : { ca }) } };
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

async function systemLookUp(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function sentInside(url: URL): TransferError {
  return new TransferError(
    'refused',
    `Following a redirect: ${url.host} is an address inside a network, not a public one`,
  );
}
