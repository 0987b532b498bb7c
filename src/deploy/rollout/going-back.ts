/** Everybody who was given the new version goes back, and who does not is named. Spec: docs/spec/19-rollout.md §5. Pure. */
import type { RolloutState } from '../../protocol/index.ts';
import { countMarks, type Mark, type Member, type Waves, writeMembers } from './members.ts';
import { returnOf } from './node-word.ts';
import type { RolloutView } from './view.ts';

const FAILED: readonly Mark[] = ['-', '~'];
const ON_THE_WAY: readonly Mark[] = ['.', '+', '-', '~'];

export function planReturn(state: RolloutState, before: Waves, view: RolloutView): RolloutState {
  const waves = before.map((wave) => wave.map((member) => judgeReturn(member, view)));
  const next = { ...state, ...writeMembers(waves) };
  const away = countMarks(waves, ON_THE_WAY);
  const isLate = view.nowMs >= (state.back_began_at ?? view.nowMs) + view.spec.node_timeout_ms;
  if (away > 0 && !isLate) return next;
  return { ...next, phase: 'rolled_back', why: withRest(state.why ?? '', countMarks(waves, ['!']), away) };
}

function judgeReturn(member: Member, { spec, statuses }: RolloutView): Member {
  if (member.mark === '<' || member.mark === 'x') return member;
  const way = returnOf(spec, statuses.get(member.nodeId) ?? [], member.had);
  if (way === 'back') return { ...member, mark: FAILED.includes(member.mark) ? 'x' : '<' };
  return way === 'stuck' ? { ...member, mark: '!' } : member;
}

function withRest(why: string, stuck: number, away: number): string {
  const rest = [
    stuck === 0 ? [] : `${stuck} COULD NOT GO BACK`,
    away === 0 ? [] : `${away} not heard of, and will go back at their return`,
  ].flat();
  return [why, ...rest].join('; ');
}
