/**
 * Shares one direction of the link out: a flow's bytes are charged to the node, its transfer, its peer and, where it gives
 * way, to what the delay allows. More urgent transfers go first and leave the others a floor; those of one priority get equal
 * shares; the requests of one gate are answered in their order. Owns one timer, while somebody waits. What no limit holds
 * back passes without a promise. Spec: docs/spec/10-transfer.md §11.
 */
import type { ByteGate, Clock } from '../../core/index.ts';
import { TRANSFER_LIMITS } from '../limits.ts';
import { BytesMeter } from './bytes-meter.ts';
import type { FlowFacts, FlowLimits } from './policy.ts';
import { PRIORITIES, rankOf } from './priority.ts';
import { RateBucket } from './rate-bucket.ts';
import { UNLIMITED } from './rate-value.ts';

export interface GovernorRules {
  readonly nodeRate: number;
  limitsOf(flow: FlowFacts): FlowLimits;
}

/** What the flows of one transfer, or of one peer, have together. */
interface Share {
  readonly bucket: RateBucket;
  /** Bytes served, for equal shares; never behind those who wait. */
  served: number;
  usedAtMs: number;
}

/** The flows of one peer that give way. */
interface Yielding {
  readonly bucket: RateBucket;
  readonly meter: BytesMeter;
  usedAtMs: number;
}

interface Waiting {
  left: number;
  readonly resolve: () => void;
}

interface Flow {
  readonly facts: FlowFacts;
  readonly queue: Waiting[];
  limits: FlowLimits;
  rulesNumber: number;
  transfer: Share;
  peer: Share;
  yielding: Yielding | undefined;
}

/** One priority: when it last had bytes to move that nothing of its own held back, and how fast it moves. */
interface Rank {
  wantedAtMs: number;
  readonly meter: BytesMeter;
  readonly floor: RateBucket;
}

const FLOOR_SHARE = 0.05;
const NEVER = Number.NEGATIVE_INFINITY;

export class RateGovernor {
  readonly #clock: Clock;
  readonly #node: RateBucket;
  readonly #ranks: readonly Rank[];
  readonly #transfers = new Map<string, Share>();
  readonly #peers = new Map<string, Share>();
  readonly #yielding = new Map<string, Yielding>();
  /** Flows with requests, the one served last at the end. */
  readonly #waiting = new Set<Flow>();
  #rules: GovernorRules;
  #rulesNumber = 0;
  #cancelWake: (() => void) | undefined;
  #sweptAtMs: number;

  constructor(rules: GovernorRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
    const nowMs = clock.monotonicMs();
    this.#sweptAtMs = nowMs;
    this.#node = new RateBucket(rules.nodeRate, nowMs);
    this.#ranks = PRIORITIES.map(() => ({
      wantedAtMs: NEVER,
      meter: new BytesMeter(nowMs),
      floor: new RateBucket(TRANSFER_LIMITS.floorRateBytesPerSecond, nowMs),
    }));
  }

  /** From now on, for those who wait too. */
  apply(rules: GovernorRules): void {
    this.#rules = rules;
    this.#rulesNumber += 1;
    const nowMs = this.#clock.monotonicMs();
    this.#node.setRate(rules.nodeRate, nowMs);
    for (const flow of this.#waiting) this.#refresh(flow, nowMs);
    this.#pump();
  }

  /** A way for one flow's bytes. It needs no closing: what is not used is forgotten. */
  gate(facts: FlowFacts): ByteGate {
    const flow = this.#openFlow(facts);
    const slice = (): number | undefined => this.#sliceOf(flow);
    return {
      take: (count, signal) => this.#take(flow, count, signal),
      get sliceBytes() {
        return slice();
      },
    };
  }

  /** Peers to which bytes that give way moved lately, and how fast. */
  yieldingPeers(): { readonly peer: string; readonly bytesPerSecond: number; readonly cap: number }[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#yielding]
      .filter(([, { usedAtMs }]) => nowMs - usedAtMs < TRANSFER_LIMITS.urgentMs * 2)
      .map(([peer, { meter, bucket }]) => ({ peer, bytesPerSecond: meter.rate(nowMs), cap: bucket.rate }));
  }

  /** What the delay of the link to a peer allows the flows that give way. */
  setYieldCap(peer: string, rate: number): void {
    this.#yielding.get(peer)?.bucket.setRate(rate, this.#clock.monotonicMs());
    this.#pump();
  }

  close(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    for (const flow of this.#waiting) for (const { resolve } of flow.queue.splice(0)) resolve();
    this.#waiting.clear();
  }

  #take(flow: Flow, count: number, signal: AbortSignal | undefined): void | Promise<void> {
    if (count <= 0) return;
    const nowMs = this.#clock.monotonicMs();
    this.#refresh(flow, nowMs);
    const room = this.#room(flow, nowMs);
    if (flow.queue.length === 0 && (room === UNLIMITED || (this.#waiting.size === 0 && room >= count))) {
      this.#spend(flow, count, nowMs);
      return;
    }
    return this.#wait(flow, count, signal);
  }

  #wait(flow: Flow, count: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { left: count, resolve };
    const onAbort = (): void => {
      this.#forget(flow, waiting);
      reject(signal?.reason);
    };
    if (flow.queue.length === 0) this.#line(flow);
    flow.queue.push(waiting);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    else this.#pump();
    return promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  /** Who comes from idling has not saved anything up against those who wait. */
  #line(flow: Flow): void {
    const rivals = [...this.#waiting].filter((other) => other.limits.priority === flow.limits.priority);
    const least = Math.min(...rivals.map(({ transfer }) => transfer.served));
    if (rivals.length > 0) flow.transfer.served = Math.max(flow.transfer.served, least);
    this.#waiting.add(flow);
  }

  #forget(flow: Flow, waiting: Waiting): void {
    const at = flow.queue.indexOf(waiting);
    if (at >= 0) flow.queue.splice(at, 1);
    if (flow.queue.length === 0) this.#waiting.delete(flow);
  }

  /** Gives what may pass now to whom it is due, slice by slice, and comes back when the next one may. */
  #pump(): void {
    const nowMs = this.#clock.monotonicMs();
    for (let next = this.#next(nowMs); next !== undefined; next = this.#next(nowMs)) this.#serve(next, nowMs);
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    if (this.#waiting.size === 0) return;
    const waitMs = Math.min(...[...this.#waiting].map((flow) => this.#waitMs(flow, nowMs)));
    this.#cancelWake = this.#clock.after(Math.min(Math.max(Math.ceil(waitMs), 1), LONGEST_WAIT_MS), () => this.#pump());
  }

  /** The most urgent, of these the one whose transfer had the least. */
  #next(nowMs: number): Flow | undefined {
    let best: Turn | undefined;
    for (const flow of this.#waiting) {
      const next = { flow, rank: this.#isFloorDue(flow, nowMs) ? DUE : rankOf(flow.limits.priority) };
      if (isBefore(next, best) && this.#room(flow, nowMs) >= this.#grain(flow)) best = next;
    }
    return best?.flow;
  }

  /** Its floor is due before anything more urgent, or it would never have it. */
  #isFloorDue(flow: Flow, nowMs: number): boolean {
    return this.#isUrgentOver(flow, nowMs) && this.#floorOf(flow, nowMs).level(nowMs) >= this.#grain(flow);
  }

  #serve(flow: Flow, nowMs: number): void {
    const [head] = flow.queue;
    if (head === undefined) return;
    const bytes = Math.min(head.left, this.#room(flow, nowMs), MAX_GRAINS * grainOf(this.#tightRate(flow)));
    this.#spend(flow, bytes, nowMs);
    head.left -= bytes;
    this.#waiting.delete(flow);
    if (head.left < 1) {
      flow.queue.shift();
      head.resolve();
    }
    if (flow.queue.length > 0) this.#waiting.add(flow);
  }

  #spend(flow: Flow, bytes: number, nowMs: number): void {
    const rank = this.#rankOf(flow);
    if (this.#isUrgentOver(flow, nowMs) && this.#spare(flow, nowMs) < bytes) rank.floor.spend(bytes);
    for (const bucket of [this.#node, flow.transfer.bucket, flow.peer.bucket]) bucket.spend(bytes);
    flow.transfer.served += bytes;
    rank.wantedAtMs = nowMs;
    rank.meter.add(bytes, nowMs);
    flow.transfer.usedAtMs = nowMs;
    flow.peer.usedAtMs = nowMs;
    if (flow.yielding === undefined) return;
    flow.yielding.bucket.spend(bytes);
    flow.yielding.meter.add(bytes, nowMs);
    flow.yielding.usedAtMs = nowMs;
  }

  /** Bytes that may pass now by every level. */
  #room(flow: Flow, nowMs: number): number {
    const own = this.#ownRoom(flow, nowMs);
    if (own >= 1 && flow.queue.length > 0) this.#rankOf(flow).wantedAtMs = nowMs;
    if (own < 1) return own;
    const level = this.#node.level(nowMs);
    if (!this.#isUrgentOver(flow, nowMs)) return Math.min(own, level);
    const floor = Math.min(level, this.#floorOf(flow, nowMs).level(nowMs));
    return Math.min(own, Math.max(this.#spare(flow, nowMs), floor));
  }

  /** What the more urgent leave over: nothing of a link of which nobody said what it has. */
  #spare(flow: Flow, nowMs: number): number {
    const level = this.#node.level(nowMs);
    return level === UNLIMITED ? 0 : level - this.#reserve(flow, nowMs);
  }

  #ownRoom({ transfer, peer, yielding }: Flow, nowMs: number): number {
    const room = Math.min(transfer.bucket.level(nowMs), peer.bucket.level(nowMs));
    return yielding === undefined ? room : Math.min(room, yielding.bucket.level(nowMs));
  }

  /** Somebody more urgent wants bytes, and no limit of his own is what holds him back. */
  #isUrgentOver(flow: Flow, nowMs: number): boolean {
    const rank = rankOf(flow.limits.priority);
    return this.#ranks.some(({ wantedAtMs }, index) => index < rank && nowMs - wantedAtMs < TRANSFER_LIMITS.urgentMs);
  }

  /** What must stay in the node's bucket for the more urgent: half, and half of the rest for each rank more. */
  #reserve(flow: Flow, nowMs: number): number {
    if (this.#node.rate === UNLIMITED) return UNLIMITED;
    const rank = rankOf(flow.limits.priority);
    const urgent = this.#ranks.filter(
      ({ wantedAtMs }, index) => index < rank && nowMs - wantedAtMs < TRANSFER_LIMITS.urgentMs,
    ).length;
    return this.#node.burst * (1 - 0.5 ** urgent);
  }

  /** A twentieth of the link; where nobody said what it has, of what the more urgent move. */
  #floorOf(flow: Flow, nowMs: number): RateBucket {
    const { floor } = this.#rankOf(flow);
    const above = this.#ranks.slice(0, rankOf(flow.limits.priority));
    const moved = above.reduce((sum, { meter }) => sum + meter.rate(nowMs), 0);
    const least = TRANSFER_LIMITS.floorRateBytesPerSecond;
    const { rate } = this.#node;
    const share = rate === UNLIMITED ? Math.max(least, moved * FLOOR_SHARE) : Math.max(rate * FLOOR_SHARE, LEAST_FLOOR);
    floor.setRate(Math.min(share, rate), nowMs);
    return floor;
  }

  #waitMs(flow: Flow, nowMs: number): number {
    const bytes = this.#grain(flow);
    const buckets = [flow.transfer.bucket, flow.peer.bucket, flow.yielding?.bucket];
    const own = Math.max(...buckets.map((bucket) => bucket?.waitMs(bytes, nowMs) ?? 0));
    if (!this.#isUrgentOver(flow, nowMs)) return Math.max(own, this.#node.waitMs(bytes, nowMs));
    const spare =
      this.#node.rate === UNLIMITED ? UNLIMITED : this.#node.waitMs(bytes + this.#reserve(flow, nowMs), nowMs);
    return Math.max(own, Math.min(spare, this.#floorOf(flow, nowMs).waitMs(bytes, nowMs)));
  }

  /** The least that is worth a turn. */
  #grain(flow: Flow): number {
    return Math.min(flow.queue[0]?.left ?? 0, grainOf(this.#tightRate(flow)));
  }

  #sliceOf(flow: Flow): number | undefined {
    this.#refresh(flow, this.#clock.monotonicMs());
    const rate = this.#tightRate(flow);
    return rate === UNLIMITED ? undefined : MAX_GRAINS * grainOf(rate);
  }

  #tightRate({ transfer, peer, yielding }: Flow): number {
    return Math.min(this.#node.rate, transfer.bucket.rate, peer.bucket.rate, yielding?.bucket.rate ?? UNLIMITED);
  }

  #rankOf(flow: Flow): Rank {
    const rank = this.#ranks[rankOf(flow.limits.priority)];
    if (rank === undefined) throw new Error('a priority without a rank');
    return rank;
  }

  #openFlow(facts: FlowFacts): Flow {
    const nowMs = this.#clock.monotonicMs();
    const limits = this.#rules.limitsOf(facts);
    const flow: Flow = {
      ...{ facts, limits, queue: [], rulesNumber: -1, yielding: undefined },
      transfer: this.#shareOf(this.#transfers, facts.transfer, nowMs),
      peer: this.#shareOf(this.#peers, facts.peer, nowMs),
    };
    this.#refresh(flow, nowMs);
    return flow;
  }

  #refresh(flow: Flow, nowMs: number): void {
    this.#sweep(nowMs);
    const { facts } = flow;
    flow.transfer = this.#shareOf(this.#transfers, facts.transfer, nowMs, flow.transfer);
    flow.peer = this.#shareOf(this.#peers, facts.peer, nowMs, flow.peer);
    if (flow.rulesNumber !== this.#rulesNumber) {
      flow.limits = this.#rules.limitsOf(facts);
      flow.rulesNumber = this.#rulesNumber;
    }
    flow.transfer.bucket.setRate(flow.limits.transferRate, nowMs);
    flow.peer.bucket.setRate(flow.limits.peerRate, nowMs);
    flow.yielding = flow.limits.yields ? this.#yieldingOf(facts.peer, nowMs) : undefined;
  }

  #shareOf(shares: Map<string, Share>, key: string, nowMs: number, last?: Share): Share {
    const known = shares.get(key);
    if (known !== undefined) return known;
    const share = last ?? { bucket: new RateBucket(UNLIMITED, nowMs), served: 0, usedAtMs: nowMs };
    shares.set(key, share);
    return share;
  }

  #yieldingOf(peer: string, nowMs: number): Yielding {
    const known = this.#yielding.get(peer);
    if (known !== undefined) return known;
    const made = { bucket: new RateBucket(UNLIMITED, nowMs), meter: new BytesMeter(nowMs), usedAtMs: NEVER };
    this.#yielding.set(peer, made);
    return made;
  }

  #sweep(nowMs: number): void {
    const { idleShareMs } = TRANSFER_LIMITS;
    if (nowMs - this.#sweptAtMs < idleShareMs) return;
    this.#sweptAtMs = nowMs;
    const used = new Set([...this.#waiting].flatMap(({ facts }) => [facts.transfer, facts.peer]));
    for (const shares of [this.#transfers, this.#peers, this.#yielding])
      for (const [key, { usedAtMs }] of shares)
        if (nowMs - usedAtMs > idleShareMs && !used.has(key)) shares.delete(key);
  }
}

/** Nothing waits longer than this for what may have changed meanwhile. */
const LONGEST_WAIT_MS = 500;
/** On a node limited so far that a twentieth would be a stall. */
const LEAST_FLOOR = 4096;
const MAX_GRAINS = 4;
/** Before every rank. */
const DUE = -1;

/** Five milliseconds at the rate. */
function grainOf(rate: number): number {
  return Math.min(Math.max(Math.floor(rate / 200), 1024), 256 * 1024);
}

interface Turn {
  readonly flow: Flow;
  readonly rank: number;
}

function isBefore(one: Turn, best: Turn | undefined): boolean {
  if (best === undefined) return true;
  return one.rank < best.rank || (one.rank === best.rank && one.flow.transfer.served < best.flow.transfer.served);
}
