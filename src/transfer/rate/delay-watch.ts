/**
 * Measures the delay to the peers that transfers which give way use, and tells the governors what it allows. Probes only
 * while such bytes move; owns one timer and the probes under way, none after `close`.
 */
import type { Clock } from '../../core/index.ts';
import { TRANSFER_LIMITS } from '../limits.ts';
import { type DelayState, planCap, startDelayControl } from './delay-control.ts';
import type { RateGovernor } from './rate-governor.ts';
import { UNLIMITED } from './rate-value.ts';

/** A small question that waits in the same queues as the bytes do. */
export interface DelayProber {
  /** Milliseconds of a round trip; undefined for a peer that cannot be asked. Rejects when no answer came in time. */
  probe(peer: string, signal: AbortSignal): Promise<number | undefined>;
}

export interface DelayWatchOptions {
  readonly governors: readonly RateGovernor[];
  readonly prober: DelayProber;
  readonly clock: Clock;
}

export class DelayWatch implements Disposable {
  readonly #options: DelayWatchOptions;
  readonly #states = new Map<RateGovernor, Map<string, DelayState>>();
  readonly #probing = new Set<string>();
  readonly #stop = new AbortController();
  #cancelTick: () => void = () => {};

  constructor(options: DelayWatchOptions) {
    this.#options = options;
    for (const governor of options.governors) this.#states.set(governor, new Map());
    this.#tick();
  }

  [Symbol.dispose](): void {
    this.#cancelTick();
    this.#stop.abort();
  }

  #tick(): void {
    const peers = new Set(this.#options.governors.flatMap((one) => one.yieldingPeers().map(({ peer }) => peer)));
    for (const peer of peers) if (!this.#probing.has(peer)) void this.#probe(peer);
    for (const states of this.#states.values())
      for (const peer of states.keys()) if (!peers.has(peer)) states.delete(peer);
    this.#cancelTick = this.#options.clock.after(TRANSFER_LIMITS.delayProbeMs, () => this.#tick());
  }

  async #probe(peer: string): Promise<void> {
    this.#probing.add(peer);
    const timeout = new AbortController();
    const cancel = this.#options.clock.after(TRANSFER_LIMITS.delayTimeoutMs, () => timeout.abort());
    try {
      const roundTripMs = await this.#options.prober.probe(peer, AbortSignal.any([timeout.signal, this.#stop.signal]));
      if (roundTripMs !== undefined) this.#hear(peer, roundTripMs);
    } catch {
      if (!this.#stop.signal.aborted) this.#hear(peer, undefined);
    } finally {
      cancel();
      this.#probing.delete(peer);
    }
  }

  #hear(peer: string, roundTripMs: number | undefined): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [governor, states] of this.#states) {
      const moving = governor.yieldingPeers().find((one) => one.peer === peer);
      const known = states.get(peer);
      // A peer that never answered is one that cannot be probed, not one behind a full queue.
      if (moving === undefined || (known === undefined && roundTripMs === undefined)) continue;
      const state = known ?? startDelayControl(nowMs);
      const next = planCap(state, { roundTripMs, bytesPerSecond: moving.bytesPerSecond, nowMs });
      states.set(peer, next);
      governor.setYieldCap(peer, this.#stop.signal.aborted ? UNLIMITED : next.capBytesPerSecond);
    }
  }
}
