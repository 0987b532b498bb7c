/** Where a peer's bytes are fetched, from what it said of itself. Pure. Spec: docs/spec/04-catalog.md §4. */
import { createHash } from 'node:crypto';
import type { MeshId } from '../core/index.ts';
import type { CatalogEndpoints } from '../registry/index.ts';
import { NODE_LIMITS } from './limits.ts';

export interface Endpoint {
  readonly baseUrl: string;
  /** On this machine. */
  readonly isLoopback: boolean;
}

/** Best first. Over anything but this machine's loopback only https counts, whatever the peer claims. */
export function endpointsOf(peer: CatalogEndpoints, ownMachine: string | undefined): Endpoint[] {
  const isSameMachine = ownMachine !== undefined && peer.machine === ownMachine;
  const local =
    isSameMachine && peer.loopbackPort !== undefined
      ? [{ baseUrl: `http://127.0.0.1:${peer.loopbackPort}`, isLoopback: true }]
      : [];
  const remote = peer.http
    .filter((baseUrl) => isPlainBase(URL.parse(baseUrl), 'https:'))
    .map((baseUrl) => ({ baseUrl, isLoopback: false }));
  return [...local, ...remote].slice(0, NODE_LIMITS.endpointsPerPeer);
}

export interface OpenEndpointRules {
  /** Use plain HTTP beyond loopback too. */
  readonly allowPlainHttp: boolean;
  /** There is a key to show to https peers, and a way to know them. */
  readonly hasCredentials: boolean;
}

/** The same where there is no mesh: what a catalog message named, as far as the rules let it be used. */
export function openEndpointsOf({ http }: Pick<CatalogEndpoints, 'http'>, rules: OpenEndpointRules): Endpoint[] {
  const usable = http.flatMap((baseUrl) => {
    const url = URL.parse(baseUrl);
    if (url === null || !isPlainBase(url, url.protocol)) return [];
    const isLoopback = LOOPBACK_HOST.test(url.hostname);
    const isAllowed = url.protocol === 'https:' ? rules.hasCredentials : isLoopback || rules.allowPlainHttp;
    return isAllowed ? [{ baseUrl, isLoopback }] : [];
  });
  return usable.slice(0, NODE_LIMITS.endpointsPerPeer);
}

/** No user, query or fragment: one address that is none costs its peer itself, and no pull from others. */
function isPlainBase(url: URL | null, protocol: string): boolean {
  return url?.protocol === protocol && `${url.username}${url.password}${url.search}${url.hash}` === '';
}

const LOOPBACK_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** What a heartbeat says of its machine: equal for processes on one loopback, and telling nobody else anything. */
export function machineHash(meshId: MeshId, machineMark: string): string {
  return createHash('sha256').update(`${meshId}\n${machineMark}`).digest('hex');
}

export interface PlainQuestion {
  readonly mesh: { readonly meshId: MeshId; readonly role: string };
  readonly access: { mayReadAll(role: string): boolean };
  readonly machineMark: string | undefined;
}

/**
 * By what peers on this machine are known that may be asked over plain HTTP; undefined where none may. Plain HTTP on loopback
 * shows no role: a node that is kept from any model shows its own, over TLS (docs/spec/20-access.md §3).
 */
export function plainMark({ mesh, access, machineMark }: PlainQuestion): string | undefined {
  if (machineMark === undefined || !access.mayReadAll(mesh.role)) return undefined;
  return machineHash(mesh.meshId, machineMark);
}
