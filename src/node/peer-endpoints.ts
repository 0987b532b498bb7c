/** Where a peer's bytes are fetched, from its heartbeat. Pure. Spec: docs/spec/04-catalog.md §4. */
import { createHash } from 'node:crypto';
import type { MeshId } from '../core/index.ts';
import type { Heartbeat } from '../protocol/index.ts';

export interface Endpoint {
  readonly baseUrl: string;
  /** Loopback of this machine: plain HTTP is allowed. */
  readonly isLoopback: boolean;
}

const MAX_ENDPOINTS = 4;

/** Best first. Over anything but this machine's loopback only https counts, whatever the peer claims. */
export function endpointsOf(heartbeat: Heartbeat, ownMachine: string | undefined): Endpoint[] {
  const isSameMachine = ownMachine !== undefined && heartbeat.machine === ownMachine;
  const local =
    isSameMachine && heartbeat.loopback_port !== undefined
      ? [{ baseUrl: `http://127.0.0.1:${heartbeat.loopback_port}`, isLoopback: true }]
      : [];
  const remote = heartbeat.http
    .filter((baseUrl) => baseUrl.startsWith('https://'))
    .map((baseUrl) => ({ baseUrl, isLoopback: false }));
  return [...local, ...remote].slice(0, MAX_ENDPOINTS);
}

/** What a heartbeat says of its machine: equal for processes on one loopback, and telling nobody else anything. */
export function machineHash(meshId: MeshId, machineMark: string): string {
  return createHash('sha256').update(`${meshId}\n${machineMark}`).digest('hex');
}
