/**
 * What comes next in a rollout: judges the nodes, stops at the threshold, begins waves, ends. The same answers give the same
 * plan, so it may be asked as often as one likes and by whoever coordinates. Spec: docs/spec/19-rollout.md §4, §5. Pure.
 */
import { PROTOCOL_LIMITS, type RolloutState } from '../../protocol/index.ts';
import { advance } from './advance.ts';
import { planReturn } from './going-back.ts';
import { addMembers, failuresOf, type Member, readMembers, type Waves, writeMembers } from './members.ts';
import { errorOf, goingOf, hasEarlier, wasGiven } from './node-word.ts';
import { isGoingBack, isOver } from './phase.ts';
import type { RolloutView } from './view.ts';

export interface RolloutPlan {
  readonly state: RolloutState;
  /** Nothing is left to do. */
  readonly done: boolean;
}

export function planRollout(state: RolloutState, view: RolloutView): RolloutPlan {
  if (isOver(state.phase)) return { state, done: true };
  const found = addMembers(readMembers(state), strays(state, view));
  if (isGoingBack(state.phase)) return finish(planReturn(state, found, view));
  const judged = found.map((wave) => wave.map((member) => judge(member, state, view)));
  const written = { ...state, ...writeMembers(judged) };
  const failure = whyFailed(judged, view);
  if (failure !== undefined) return finish(planReturn(goBack(written, failure, view.nowMs), judged, view));
  if (view.mayGoOn === false) return finish({ ...written, phase: 'paused', why: NOT_ORDERED });
  return finish(state.phase === 'paused' ? written : advance(written, judged, view));
}

const NOT_ORDERED = 'whoever ordered it is no member any more, or may not deploy this model now';

function finish(state: RolloutState): RolloutPlan {
  return { state, done: isOver(state.phase) };
}

/** From now on everybody goes back. */
export function goBack(state: RolloutState, why: string, nowMs: number): RolloutState {
  const { soak_began_at: _ended, ...rest } = state;
  return { ...rest, phase: 'rolling_back', back_began_at: nowMs, why };
}

/** Who has it because of this rollout and is in no list. */
function strays(state: RolloutState, { spec, statuses }: RolloutView): Member[] {
  const room = PROTOCOL_LIMITS.rolloutNodes - state.waves.flat().length;
  const known = new Set(state.waves.flat());
  return [...statuses]
    .filter(([nodeId, entries]) => !known.has(nodeId) && wasGiven(spec, entries))
    .map(([nodeId, entries]): Member => ({ nodeId, mark: '.', had: hasEarlier(spec, entries) }))
    .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1))
    .slice(0, room);
}

/** A failure stays one; who was well and says nothing any more stays well. */
function judge(member: Member, state: RolloutState, { spec, statuses, nowMs }: RolloutView): Member {
  if (member.mark === '-') return member;
  const going = goingOf(spec, statuses.get(member.nodeId) ?? []);
  if (going === 'failed') return { ...member, mark: '-' };
  if (going === 'well') return { ...member, mark: '+' };
  if (member.mark !== '.') return member;
  return nowMs >= state.wave_began_at + spec.node_timeout_ms ? { ...member, mark: '~' } : member;
}

/** Shares are decimal fractions: 7% of 100 is 7.000000000000001. */
const ROUNDING = 1e-9;

function whyFailed(waves: Waves, { spec, statuses }: RolloutView): string | undefined {
  const share = spec.max_failures;
  const tried = waves.flat().length;
  const failures = failuresOf(waves);
  if (failures <= share * tried + ROUNDING) return undefined;
  const counts = `${failures} of ${tried} nodes failed, more than ${Math.round(share * 1000) / 10}%`;
  const said = waves.flat().flatMap(({ nodeId }) => errorOf(spec, statuses.get(nodeId) ?? []) ?? []);
  const [first] = said;
  if (first === undefined) return counts;
  return `${counts}; ${first.length > TOLD_CHARS ? `${first.slice(0, TOLD_CHARS)}…` : first}`;
}

/** Of what one node says, as much goes into every copy of the record. */
const TOLD_CHARS = 300;
