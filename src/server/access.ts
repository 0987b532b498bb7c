/**
 * Who may ask what, as one table. Pure. Spec: docs/spec/05-http.md §4.
 * An attacker on the web controls Host and Origin of what a browser on this machine sends; one on the LAN controls all but
 * the remote address; a peer controls all but its certificate.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ServerErrorCode } from './errors.ts';
import type { Viewer } from './ports.ts';

/** `known`: all but strangers. `listing`: strangers too, with `--open-lan`. `reader`: the handler asks what is public. */
export type RouteAccess = 'anyone' | 'known' | 'listing' | 'reader' | 'owner';

export interface RequestFacts {
  readonly viewer: Viewer;
  readonly secure: boolean;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly bearer: string | undefined;
}

export interface AccessRules {
  readonly port: number;
  readonly openLan: boolean;
  readonly localToken: string;
}

/** Undefined when the request may go on, else why not. */
export function refusalOf(facts: RequestFacts, access: RouteAccess, rules: AccessRules): ServerErrorCode | undefined {
  if (access === 'owner') return ownerRefusalOf(facts, rules);
  if (access === 'anyone') return undefined;
  if (facts.viewer.kind === 'loopback') return isOwnHost(facts.host, rules.port) ? undefined : 'foreign_host';
  if (facts.viewer.kind !== 'stranger' || access === 'reader') return undefined;
  return access === 'listing' && rules.openLan ? undefined : 'stranger_refused';
}

function ownerRefusalOf(facts: RequestFacts, rules: AccessRules): ServerErrorCode | undefined {
  if (facts.secure) return 'owner_over_tls';
  if (facts.viewer.kind !== 'loopback') return 'owner_not_local';
  if (!isOwnHost(facts.host, rules.port)) return 'foreign_host';
  if (facts.origin !== undefined && !isOwnOrigin(facts.origin, rules.port)) return 'foreign_origin';
  return isSameSecret(facts.bearer ?? '', rules.localToken) ? undefined : 'local_token_wrong';
}

export function isOwnHost(host: string | undefined, port: number): boolean {
  const name = host?.toLowerCase();
  if (port === 80 && (name === '127.0.0.1' || name === 'localhost' || name === '[::1]')) return true;
  return name === `127.0.0.1:${port}` || name === `localhost:${port}` || name === `[::1]:${port}`;
}

export function isOwnOrigin(origin: string, port: number): boolean {
  return origin.startsWith('http://') && isOwnHost(origin.slice('http://'.length), port);
}

/** Digests first, so that neither length nor prefix of the secret shows in the time. */
function isSameSecret(given: string, wanted: string): boolean {
  return wanted !== '' && timingSafeEqual(digestOf(given), digestOf(wanted));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  return plain === '::1' || /^127\.\d+\.\d+\.\d+$/.test(plain);
}

export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +([^\s]+)\s*$/i.exec(header ?? '')?.[1];
}
