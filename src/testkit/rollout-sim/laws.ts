/** What must hold in every rollout, after every step. Each throws for what must never be. */
import { failuresOf, isGoingBack, quotaOf, readMembers } from '../../deploy/index.ts';
import type { RolloutState } from '../../protocol/index.ts';
import type { Law, RolloutWorld } from './rollout-world.ts';

/** A list is the beginning of what it is later. */
export const wavesOnlyGrow: Law = (world, before) => {
  for (const [index, wave] of (before?.waves ?? []).entries()) {
    const now = world.rollout.state.waves[index] ?? [];
    if (wave.some((nodeId, at) => now[at] !== nodeId)) throw broken('a wave changed', world);
  }
};

/** The next wave begins after the soak of the one before, and with no more failures than are allowed. */
export const wavesWait: Law = (world, before) => {
  const { spec, state } = world.rollout;
  if (before === undefined || before.waves.length === 0 || state.waves.length <= before.waves.length) return;
  const soakedMs = world.nowMs - (before.soak_began_at ?? Number.POSITIVE_INFINITY);
  const wasEmpty = before.waves.at(-1)?.length === 0;
  if (soakedMs < spec.soak_ms && !wasEmpty) throw broken(`a wave began ${soakedMs} ms into the soak`, world);
  if (tooManyFailed(state, world)) throw broken('a wave began above the threshold', world);
};

/** Whoever has the version is in a list, and the lists are never longer than the waves that began say. */
export const onlyWavesAreExposed: Law = (world) => {
  const { spec, state } = world.rollout;
  const members = new Set<string>(state.waves.flat());
  const given = world.options.nodes.filter(({ wasGiven }) => wasGiven);
  const isOpenToAll = state.phase === 'done';
  if (!isOpenToAll && given.some(({ nodeId }) => !members.has(nodeId)))
    throw broken('a node outside of the waves has it', world);
  const quota = quotaOf(spec.waves, Math.max(0, state.waves.length - 1), world.options.nodes.length);
  if (members.size > quota) throw broken(`${members.size} nodes are in waves of ${quota}`, world);
};

/** Above the threshold there is no other way than back. */
export const thresholdStops: Law = (world) => {
  const { state } = world.rollout;
  const wasPlanned = state.phase === 'running' && tooManyFailed(state, world);
  if (wasPlanned) throw broken('it goes on above the threshold', world);
};

/** When all is over and everybody was there: nobody whom it reached is on the wrong version. */
export function verifyEnd(world: RolloutWorld): void {
  const { state } = world.rollout;
  for (const { options, wasGiven, version } of world.options.nodes) {
    const old = options.previous?.version;
    if (isGoingBack(state.phase) && version !== old)
      throw broken(`${options.nodeId} is on ${version}, not back on ${old}`, world);
    if (state.phase === 'done' && options.fate === 'good' && !(wasGiven && version === '2.0.0'))
      throw broken(`${options.nodeId} is on ${version} after the end`, world);
  }
}

function tooManyFailed(state: RolloutState, world: RolloutWorld): boolean {
  const members = readMembers(state);
  return failuresOf(members) > world.rollout.spec.max_failures * members.flat().length + 1e-9;
}

function broken(what: string, world: RolloutWorld): Error {
  const { phase, wave, term, results, why } = world.rollout.state;
  return new Error(`${what}; seed ${world.options.seed}: ${JSON.stringify({ phase, wave, term, results, why })}`);
}

export const LAWS: readonly Law[] = [wavesOnlyGrow, wavesWait, onlyWavesAreExposed, thresholdStops];
