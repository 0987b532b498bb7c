/** Fills the wave that is open, waits for it and its soak, opens the next one. Spec: docs/spec/19-rollout.md §4.3–§4.7. Pure. */
import type { NodeId } from '../../core/index.ts';
import { PROTOCOL_LIMITS, type RolloutState } from '../../protocol/index.ts';
import { chooseNodes, type RolloutNode } from './choose.ts';
import { addMembers, type Member, type Waves, writeMembers } from './members.ts';
import { hasEarlier } from './node-word.ts';
import type { RolloutView } from './view.ts';
import { quotaOf } from './waves.ts';

export function advance(before: RolloutState, judged: Waves, view: RolloutView): RolloutState {
  let waves = judged.length === 0 ? [[]] : judged;
  let state: RolloutState = judged.length === 0 ? { ...before, wave: 0, wave_began_at: view.nowMs } : before;
  for (;;) {
    const filled = fill(waves, view);
    state = filled === waves ? state : { ...state, wave_began_at: view.nowMs };
    waves = filled;
    const isLast = waves.length === view.spec.waves.length;
    const step = stepOf(state, waves, view);
    if (step !== 'pass') return written(withSoak(state, step === 'soak', view.nowMs), waves);
    state = withSoak(state, false, view.nowMs);
    if (isLast) return { ...written(state, waves), phase: 'done' };
    state = { ...state, wave: waves.length, wave_began_at: view.nowMs };
    waves = [...waves, []];
  }
}

/** `open`: some have not answered, or nobody is there. `soak`: all answered. `pass`: the next one may begin. */
function stepOf(state: RolloutState, waves: Waves, { spec, nodes, nowMs }: RolloutView): 'open' | 'soak' | 'pass' {
  const own = waves.at(-1) ?? [];
  const total = fleetOf(waves, nodes).length;
  const isFull = waves.flat().length >= quotaOf(spec.waves, waves.length - 1, total) && total > 0;
  if (own.length === 0 && isFull) return 'pass';
  const isLast = waves.length === spec.waves.length;
  if (own.some(({ mark }) => mark === '.') || (own.length === 0 && !isLast) || total === 0) return 'open';
  const soakedMs = nowMs - (state.soak_began_at ?? nowMs);
  const isClosed = isFull || nowMs >= state.wave_began_at + spec.node_timeout_ms;
  return soakedMs >= spec.soak_ms && isClosed ? 'pass' : 'soak';
}

/** The same lists where nobody was added. */
function fill(waves: Waves, { spec, nodes, statuses }: RolloutView): Waves {
  const taken = new Set(waves.flat().map(({ nodeId }) => nodeId));
  const quota = quotaOf(spec.waves, waves.length - 1, fleetOf(waves, nodes).length);
  if (taken.size >= quota) return waves;
  const chosen = chooseNodes({
    rolloutId: spec.rollout_id,
    candidates: nodes.filter(({ nodeId, online }) => online && !taken.has(nodeId)),
    taken: nodes.filter(({ nodeId }) => taken.has(nodeId)),
    count: quota - taken.size,
  });
  const had = (nodeId: NodeId) => hasEarlier(spec, statuses.get(nodeId) ?? []);
  return addMembers(
    waves,
    chosen.map((nodeId): Member => ({ nodeId, mark: '.', had: had(nodeId) })),
  );
}

/** Everybody that the rollout is for, and who is in it although nothing is heard of it any more; as many as a rollout has. */
function fleetOf(waves: Waves, nodes: readonly RolloutNode[]): NodeId[] {
  const all = new Set([...waves.flat().map(({ nodeId }) => nodeId), ...nodes.map(({ nodeId }) => nodeId)]);
  return [...all].slice(0, PROTOCOL_LIMITS.rolloutNodes);
}

function withSoak(state: RolloutState, isSoaking: boolean, nowMs: number): RolloutState {
  const { soak_began_at: began, ...rest } = state;
  return isSoaking ? { ...rest, soak_began_at: began ?? nowMs } : rest;
}

function written(state: RolloutState, waves: Waves): RolloutState {
  return { ...state, ...writeMembers(waves) };
}
