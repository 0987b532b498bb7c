/**
 * Divides a relay's rate among the members that wait for it: deficit round robin over a token bucket. Spec: 13-relay §6.1.
 * `planGrants` is pure in the scheduler's sense: the state handed in is consumed, there is no clock and no chance in it.
 */
import { type ByteGate, type Clock, openGate } from '../core/index.ts';
import type { RelayLimits } from './limits.ts';

export interface ShareRules {
  readonly rateBytesPerSecond: number;
  /** Most that may be saved up; a read larger than it passes when the bucket is full. */
  readonly burstBytes: number;
  readonly quantumBytes: number;
}

interface MemberQueue {
  readonly member: string;
  /** Bytes this member may still send in this round. */
  deficit: number;
  hasTurn: boolean;
  readonly waiting: { readonly bytes: number; readonly ticket: number }[];
}

export interface ShareState {
  /** Bytes that may pass now; below zero after a read larger than the bucket. */
  budget: number;
  atMs: number;
  /** Members with something waiting, the next in turn first. */
  readonly ring: MemberQueue[];
}

export function initialShares(rules: ShareRules, nowMs: number): ShareState {
  return { budget: rules.burstBytes, atMs: nowMs, ring: [] };
}

/** Puts a read in its member's queue. */
export function addWaiting(state: ShareState, member: string, bytes: number, ticket: number): void {
  let queue = state.ring.find((one) => one.member === member);
  if (queue === undefined) {
    queue = { member, deficit: 0, hasTurn: false, waiting: [] };
    state.ring.push(queue);
  }
  queue.waiting.push({ bytes, ticket });
}

export interface Grants {
  /** Those that may pass now, in order. */
  readonly tickets: readonly number[];
  /** Until the next one may; undefined when nobody waits. */
  readonly waitMs: number | undefined;
}

export function planGrants(state: ShareState, rules: ShareRules, nowMs: number): Grants {
  const earned = (Math.max(0, nowMs - state.atMs) / 1000) * rules.rateBytesPerSecond;
  state.budget = Math.min(rules.burstBytes, state.budget + earned);
  state.atMs = nowMs;
  const tickets: number[] = [];
  for (let queue = state.ring[0]; queue !== undefined; queue = state.ring[0]) {
    const missing = serve(state, queue, rules, tickets);
    if (missing > 0) return { tickets, waitMs: Math.ceil((missing * 1000) / rules.rateBytesPerSecond) };
    state.ring.shift();
    queue.hasTurn = false;
    if (queue.waiting.length > 0) state.ring.push(queue);
  }
  return { tickets, waitMs: undefined };
}

/** One member's turn. Returns the bytes that the bucket lacks for its next read, 0 when the turn is over. */
function serve(state: ShareState, queue: MemberQueue, rules: ShareRules, tickets: number[]): number {
  if (!queue.hasTurn) queue.deficit += rules.quantumBytes;
  queue.hasTurn = true;
  for (let next = queue.waiting[0]; next !== undefined && next.bytes <= queue.deficit; next = queue.waiting[0]) {
    const needed = Math.min(next.bytes, rules.burstBytes);
    if (needed > state.budget) return needed - state.budget;
    state.budget -= next.bytes;
    queue.deficit -= next.bytes;
    tickets.push(next.ticket);
    queue.waiting.shift();
  }
  return 0;
}

/** The same over a clock: a gate for each member. */
export class FairShares {
  readonly #rules: ShareRules | undefined;
  readonly #clock: Clock;
  readonly #state: ShareState | undefined;
  readonly #waiters = new Map<number, () => void>();
  #lastTicket = 0;
  #cancelTimer: (() => void) | undefined;

  /** Without a rate nothing ever waits. */
  constructor(rateBytesPerSecond: number | undefined, limits: RelayLimits, clock: Clock) {
    this.#clock = clock;
    if (rateBytesPerSecond === undefined) return;
    const burstBytes = Math.max(limits.minBurstBytes, (rateBytesPerSecond * limits.burstMs) / 1000);
    this.#rules = { rateBytesPerSecond, burstBytes, quantumBytes: limits.quantumBytes };
    this.#state = initialShares(this.#rules, clock.monotonicMs());
  }

  gateOf(member: string): ByteGate {
    if (this.#state === undefined) return openGate;
    return { take: (count) => this.#take(member, count), sliceBytes: this.#rules?.quantumBytes };
  }

  /** A pair that ended meanwhile keeps its place: it costs its member one read. */
  #take(member: string, count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#state === undefined) return Promise.resolve();
    this.#lastTicket += 1;
    this.#waiters.set(this.#lastTicket, resolve);
    addWaiting(this.#state, member, count, this.#lastTicket);
    if (this.#cancelTimer === undefined) this.#grant();
    return promise;
  }

  #grant(): void {
    this.#cancelTimer = undefined;
    if (this.#state === undefined || this.#rules === undefined) return;
    const { tickets, waitMs } = planGrants(this.#state, this.#rules, this.#clock.monotonicMs());
    for (const ticket of tickets) {
      this.#waiters.get(ticket)?.();
      this.#waiters.delete(ticket);
    }
    if (waitMs !== undefined) this.#cancelTimer = this.#clock.after(Math.max(1, waitMs), () => this.#grant());
  }
}
