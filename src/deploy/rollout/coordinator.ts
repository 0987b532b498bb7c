/** Who coordinates, and when another one does. Spec: docs/spec/19-rollout.md §6.1, §6.2. Pure. */
import type { NodeId } from '../../core/index.ts';
import type { Rollout, RolloutSpec, RolloutState } from '../../protocol/index.ts';
import { DEPLOY_LIMITS } from '../limits.ts';
import { inHashOrder } from './choose.ts';
import { isOver } from './phase.ts';

/** How long a coordinator may be silent: shorter than a node may be, so that nobody fails for want of one. */
export function leaseMsOf({ node_timeout_ms: timeoutMs }: RolloutSpec): number {
  return Math.min(DEPLOY_LIMITS.rolloutLeaseMaxMs, Math.max(DEPLOY_LIMITS.rolloutLeaseMinMs, timeoutMs / 4));
}

/** How often a coordinator is to be heard. */
export function renewMsOf(spec: RolloutSpec): number {
  return leaseMsOf(spec) / 3;
}

export interface TakeoverQuestion {
  readonly rollout: Rollout;
  readonly self: NodeId;
  /** Online members who may coordinate; `self` among them. */
  readonly candidates: readonly NodeId[];
  /** How long no new record of this rollout was heard, by our own clock. */
  readonly silentMs: number;
}

/** `waitMs`: when to ask again; never where it is undefined. */
export type Takeover = { readonly take: true } | { readonly take: false; readonly waitMs: number | undefined };

export function planTakeover({ rollout, self, candidates, silentMs }: TakeoverQuestion): Takeover {
  const { spec, state } = rollout;
  if (isOver(state.phase) || state.coordinator === self) return { take: false, waitMs: undefined };
  // A coordinator that was heard of within its lease is none of the candidates: they are for when it is gone.
  const others = candidates.filter((nodeId) => nodeId !== state.coordinator);
  const order = inHashOrder(others, (nodeId) => nodeId, spec.rollout_id, String(state.term + 1));
  const rank = order.indexOf(self);
  if (rank < 0) return { take: false, waitMs: undefined };
  const waitMs = leaseMsOf(spec) * (1 + rank / 2) - silentMs;
  return waitMs <= 0 ? { take: true } : { take: false, waitMs };
}

/** The same state under another coordinator, whose patience with the wave begins now: it may have heard nobody until now. */
export function takeOver(state: RolloutState, self: NodeId, nowMs: number): RolloutState {
  const { soak_began_at: soak, back_began_at: back, ...rest } = state;
  return {
    ...rest,
    wave_began_at: nowMs,
    ...(soak === undefined ? {} : { soak_began_at: Math.min(soak, nowMs) }),
    ...(back === undefined ? {} : { back_began_at: Math.min(back, nowMs) }),
    term: state.term + 1,
    coordinator: self,
  };
}

/** Its own state, found at a start: who was not running heard nobody, so that nobody was silent meanwhile. */
export function takeUpAgain(state: RolloutState, nowMs: number): RolloutState {
  const { soak_began_at: soak, back_began_at: back } = state;
  return {
    ...state,
    wave_began_at: nowMs,
    ...(soak === undefined ? {} : { soak_began_at: nowMs }),
    ...(back === undefined ? {} : { back_began_at: nowMs }),
  };
}
