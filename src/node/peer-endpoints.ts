/** Where a peer's bytes are fetched, from what it said of itself. Pure. Spec: docs/spec/04-catalog.md §4. */
import { createHash } from 'node:crypto';
import type { MeshId } from '../core/index.ts';
import type { CatalogEndpoints } from '../registry/index.ts';

export interface Endpoint {
  readonly baseUrl: string;
  /** Loopback of this machine: plain HTTP is allowed. */
  readonly isLoopback: boolean;
}

const MAX_ENDPOINTS = 4;

/** Best first. Over anything but this machine's loopback only https counts, whatever the peer claims. */
export function endpointsOf(peer: CatalogEndpoints, ownMachine: string | undefined): Endpoint[] {
  const isSameMachine = ownMachine !== undefined && peer.machine === ownMachine;
  const local =
    isSameMachine && peer.loopbackPort !== undefined
      ? [{ baseUrl: `http://127.0.0.1:${peer.loopbackPort}`, isLoopback: true }]
      : [];
  const remote = peer.http
    .filter((baseUrl) => baseUrl.startsWith('https://'))
    .map((baseUrl) => ({ baseUrl, isLoopback: false }));
  return [...local, ...remote].slice(0, MAX_ENDPOINTS);
}

/** What a heartbeat says of its machine: equal for processes on one loopback, and telling nobody else anything. */
export function machineHash(meshId: MeshId, machineMark: string): string {
  return createHash('sha256').update(`${meshId}\n${machineMark}`).digest('hex');
}
