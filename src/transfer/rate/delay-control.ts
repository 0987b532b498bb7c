/**
 * How fast a transfer that gives way may be, from the delay of the link: the queue it adds stays near a target, and every
 * other traffic that fills the link takes its place. After the ideas of RFC 6817, with rates in place of windows. Pure:
 * (state, sample) → state. Spec: docs/spec/10-transfer.md §11.
 */
import { TRANSFER_LIMITS } from '../limits.ts';

export interface DelayState {
  readonly capBytesPerSecond: number;
  /** Least round trip of each of the last minutes, the running one last. */
  readonly minima: readonly number[];
  readonly minuteAtMs: number;
  /** Last round trips; the least of them is not the noise of one. */
  readonly recent: readonly number[];
  /** Grows fast until the first queue is seen. */
  readonly isStarting: boolean;
  readonly cutAtMs: number;
}

export interface DelaySample {
  /** Undefined: no answer in time. */
  readonly roundTripMs: number | undefined;
  /** What moved lately. */
  readonly bytesPerSecond: number;
  readonly nowMs: number;
}

const FIRST_CAP = 256 * 1024;
const RECENT = 2;
const FAST_GROWTH = 0.5;
const GROWTH = 0.05;
/** More than this above what really moves is no knowledge, only hope. */
const HEADROOM = 1.5;
const DEEPEST_CUT = 0.5;
/** A queue that grows is met where it will be so many samples later: the one seen now is some time old. */
const LOOK_AHEAD = 2;
const MOST_EXCESS = 3;
/** The queue of before a cut is still in the samples for about this long. */
const CUT_PAUSE_MS = 400;

export function startDelayControl(nowMs: number): DelayState {
  return {
    ...{ capBytesPerSecond: FIRST_CAP, minima: [], minuteAtMs: nowMs, recent: [] },
    ...{ isStarting: true, cutAtMs: Number.NEGATIVE_INFINITY },
  };
}

export function planCap(state: DelayState, sample: DelaySample): DelayState {
  const heard = listen(state, sample);
  const queueMs = queueOf(heard);
  const growingMs = state.recent.length === 0 ? 0 : Math.max(0, queueMs - queueOf(state));
  const expectedMs = queueMs + growingMs * LOOK_AHEAD;
  const excess = sample.roundTripMs === undefined ? MOST_EXCESS : expectedMs / TRANSFER_LIMITS.delayTargetMs;
  return excess > 1 ? cut(heard, sample, excess) : grow(heard, sample, 1 - excess);
}

/** What is more than the delay of the empty link. */
export function queueOf({ recent, minima }: DelayState): number {
  return recent.length === 0 ? 0 : Math.min(...recent) - Math.min(...minima);
}

function listen(state: DelayState, { roundTripMs, nowMs }: DelaySample): DelayState {
  if (roundTripMs === undefined) return state;
  const recent = [...state.recent, roundTripMs].slice(-RECENT);
  const isNewMinute = state.minima.length === 0 || nowMs - state.minuteAtMs >= 60_000;
  const running = isNewMinute ? roundTripMs : Math.min(roundTripMs, state.minima.at(-1) ?? roundTripMs);
  const past = isNewMinute ? state.minima : state.minima.slice(0, -1);
  const minima = [...past, running].slice(-TRANSFER_LIMITS.delayMinutes);
  return { ...state, recent, minima, minuteAtMs: isNewMinute ? nowMs : state.minuteAtMs };
}

function grow(state: DelayState, { bytesPerSecond }: DelaySample, room: number): DelayState {
  const growth = state.isStarting ? FAST_GROWTH : GROWTH;
  const wanted = state.capBytesPerSecond * (1 + growth * room);
  const most = Math.max(state.capBytesPerSecond, bytesPerSecond * HEADROOM, FIRST_CAP);
  return { ...state, capBytesPerSecond: Math.min(wanted, most) };
}

function cut(state: DelayState, { bytesPerSecond, nowMs }: DelaySample, excess: number): DelayState {
  if (nowMs - state.cutAtMs < CUT_PAUSE_MS) return { ...state, isStarting: false };
  const used = Math.min(state.capBytesPerSecond, Math.max(bytesPerSecond, TRANSFER_LIMITS.minYieldBytesPerSecond));
  const factor = Math.max(DEEPEST_CUT, 1 - 0.25 * Math.min(excess, MOST_EXCESS));
  const cap = Math.max(used * factor, TRANSFER_LIMITS.minYieldBytesPerSecond);
  return { ...state, capBytesPerSecond: cap, isStarting: false, cutAtMs: nowMs };
}
