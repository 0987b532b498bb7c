/** Whom to dial next. Pure: state, time and chance in, a short list out. */
import type { NodeId, Random } from '../core/index.ts';
import { MESH_LIMITS } from './limits.ts';

export interface DialState {
  readonly candidates: readonly NodeId[];
  readonly connected: ReadonlySet<NodeId>;
  readonly dialling: ReadonlySet<NodeId>;
  readonly isPaused: (nodeId: NodeId) => boolean;
}

/** As many as the target degree and the parallel limit leave room for, in random order. */
export function planDials(state: DialState, random: Random): NodeId[] {
  const missing = MESH_LIMITS.targetDegree - state.connected.size - state.dialling.size;
  const room = Math.min(missing, MESH_LIMITS.parallelDials - state.dialling.size);
  if (room <= 0) return [];
  const free = state.candidates.filter(
    (nodeId) => !state.connected.has(nodeId) && !state.dialling.has(nodeId) && !state.isPaused(nodeId),
  );
  return free
    .map((nodeId) => ({ nodeId, order: random.next() }))
    .toSorted((a, b) => a.order - b.order)
    .slice(0, room)
    .map(({ nodeId }) => nodeId);
}

/** The pause after the n-th failure in a row: doubling, capped, between half and one and a half of that. */
export function dialPauseMs(failures: number, random: Random): number {
  const pauseMs = Math.min(MESH_LIMITS.dialBackoffMaxMs, MESH_LIMITS.dialBackoffMs * 2 ** (failures - 1));
  return pauseMs * (0.5 + random.next());
}
