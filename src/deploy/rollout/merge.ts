/**
 * One state of the records of several coordinators: whoever reads the same ones, in any order, has the same. Nobody whom any of
 * them gave the new version is forgotten. Spec: docs/spec/19-rollout.md §6.4, §6.5. Pure.
 */
import { compareText, type NodeId } from '../../core/index.ts';
import type { Rollout, RolloutPhase } from '../../protocol/index.ts';
import { PROTOCOL_LIMITS } from '../../protocol/index.ts';
import { addMembers, type Member, readMembers, type Waves, writeMembers } from './members.ts';
import { isGoingBack } from './phase.ts';

/** A record's word on a rollout, verified: `author` coordinates, or did. */
export interface RolloutWord {
  readonly rollout: Rollout;
  readonly author: NodeId;
  readonly issuedAtMs: number;
}

/** All of one rollout and one spec. Undefined for none. */
export function mergeRollouts(words: readonly RolloutWord[]): RolloutWord | undefined {
  const [best, ...others] = words.toSorted((a, b) => compareWords(b, a));
  if (best === undefined) return undefined;
  const waves = readMembers(best.rollout.state);
  const said = others.flatMap(({ rollout }) => readMembers(rollout.state).flat());
  const whole = withStrays(withFailures(waves, said), said);
  return { ...best, rollout: { ...best.rollout, state: { ...best.rollout.state, ...writeMembers(whole) } } };
}

/** Larger is the one that counts. */
export function compareWords(one: RolloutWord, other: RolloutWord): number {
  const [a, b] = [one.rollout.state, other.rollout.state];
  return (
    stopRank(a.phase) - stopRank(b.phase) ||
    a.term - b.term ||
    careRank(a.phase) - careRank(b.phase) ||
    one.issuedAtMs - other.issuedAtMs ||
    compareText(one.author, other.author)
  );
}

function stopRank(phase: RolloutPhase): number {
  if (isGoingBack(phase)) return 2;
  return phase === 'aborted' ? 1 : 0;
}

function careRank(phase: RolloutPhase): number {
  return ['done', 'running', 'paused'].indexOf(phase);
}

function withFailures(waves: Waves, said: readonly Member[]): Waves {
  const failed = new Set(said.filter(({ mark }) => mark === '-').map(({ nodeId }) => nodeId));
  return waves.map((wave) =>
    wave.map((member) =>
      failed.has(member.nodeId) && '.+~'.includes(member.mark) ? { ...member, mark: '-' } : member,
    ),
  );
}

/** In the order of their ids; of two words on one the worse: every reader must come to the same. */
function withStrays(waves: Waves, said: readonly Member[]): Waves {
  const known = new Set(waves.flat().map(({ nodeId }) => nodeId));
  const strays = new Map<NodeId, Member>();
  for (const member of said) {
    const other = strays.get(member.nodeId);
    if (!known.has(member.nodeId) && (other === undefined || WORST.indexOf(member.mark) < WORST.indexOf(other.mark)))
      strays.set(member.nodeId, { ...member, had: member.had && other?.had !== false });
  }
  const sorted = [...strays.values()].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  return addMembers(waves, sorted.slice(0, PROTOCOL_LIMITS.rolloutNodes - known.size));
}

const WORST = '-!~.+x<';
