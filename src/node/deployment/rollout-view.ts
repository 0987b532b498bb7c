/** A rollout as people and programs see it. Pure. */
import type { RolloutRow } from '../../api/index.ts';
import type { NodeId } from '../../core/index.ts';
import { failuresOf, isGoingBack, isOver, type Mark, type Member, readMembers } from '../../deploy/index.ts';
import type { ModelStatusEntry, RolloutSpec, RolloutState } from '../../protocol/index.ts';
import { FLAW_WORDS } from '../../trust/index.ts';
import type { KnownRollout } from './rollout-book.ts';

export interface ViewContext {
  readonly nameOf: (nodeId: NodeId) => string;
  readonly statuses: ReadonlyMap<NodeId, readonly ModelStatusEntry[]>;
  /** How many nodes it is for, as far as they are known. */
  readonly fleet: number;
  readonly nowMs: number;
}

const WORDS: Readonly<Record<Mark, RolloutRow['nodes'][number]['state']>> = {
  '.': 'waiting',
  '+': 'well',
  '-': 'failed',
  '~': 'silent',
  '<': 'back',
  x: 'back',
  '!': 'stuck',
};

const FAILED: readonly Mark[] = ['-', '~', 'x', '!'];

export function toRolloutRow({ rollout, flaw }: KnownRollout, context: ViewContext): RolloutRow {
  const { spec, state } = rollout;
  const members = readMembers(state);
  const reached = new Set(members.flat().map(({ nodeId }) => nodeId));
  return {
    rollout_id: spec.rollout_id,
    model_id: spec.manifest.model_id,
    version: spec.manifest.version,
    previous_version: spec.previous?.version ?? null,
    phase: state.phase,
    over: isOver(state.phase),
    why: state.why ?? null,
    held_by: flaw === undefined ? null : FLAW_WORDS[flaw],
    ordered_by: spec.ordered_by,
    ordered_by_name: context.nameOf(spec.ordered_by),
    ordered_at: new Date(spec.ordered_at).toISOString(),
    coordinator: state.coordinator,
    coordinator_name: context.nameOf(state.coordinator),
    term: state.term,
    waves: spec.waves.map((size, index) => toWave(size, index, rollout, members)),
    fleet: Math.max(context.fleet, reached.size),
    given: reached.size,
    failures: failuresOf(members),
    max_failures: spec.max_failures,
    soak_ms: spec.soak_ms,
    soak_left_ms: soakLeftMs(spec, state, context.nowMs),
    node_timeout_ms: spec.node_timeout_ms,
    nodes: members.flatMap((wave, index) => wave.map((member) => toNode(member, index, spec, context))),
  };
}

function toWave(
  size: string,
  index: number,
  { state }: KnownRollout['rollout'],
  members: readonly (readonly Member[])[],
): RolloutRow['waves'][number] {
  const wave = members[index];
  const count = (mark: Mark) => (wave ?? []).filter((member) => member.mark === mark).length;
  return {
    size,
    state: waveState(index, state),
    nodes: wave?.length ?? 0,
    ...{ waiting: count('.'), well: count('+'), failed: count('-') + count('x'), silent: count('~') },
    ...{ back: count('<') + count('x'), stuck: count('!') },
  };
}

function waveState(index: number, { phase, waves, soak_began_at: soak }: RolloutState) {
  if (index >= waves.length) return 'to come';
  if (index < waves.length - 1 || isOver(phase)) return 'done';
  return soak !== undefined && !isGoingBack(phase) ? 'soaking' : 'going on';
}

function toNode({ nodeId, mark }: Member, wave: number, spec: RolloutSpec, context: ViewContext) {
  const entries = context.statuses.get(nodeId) ?? [];
  const because = `rollout:${spec.rollout_id}`;
  const failed = entries.find((entry) => entry.because === because && entry.error !== undefined);
  return {
    node_id: nodeId,
    name: context.nameOf(nodeId),
    wave: wave + 1,
    state: WORDS[mark],
    failed: FAILED.includes(mark),
    error: failed?.error ?? null,
  };
}

function soakLeftMs({ soak_ms: soakMs }: RolloutSpec, state: RolloutState, nowMs: number): number | null {
  const { soak_began_at: began, phase } = state;
  return began === undefined || phase !== 'running' ? null : Math.max(0, began + soakMs - nowMs);
}
