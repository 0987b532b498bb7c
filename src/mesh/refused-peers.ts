/** Whom not to talk to for a while: peers that were refused, or that refused us. Spec: docs/spec/03-trust.md §8.3. */
import type { Clock, NodeId } from '../core/index.ts';
import { MESH_LIMITS } from './limits.ts';

interface Refused {
  readonly times: number;
  readonly untilMs: number;
}

export class RefusedPeers {
  readonly #clock: Clock;
  readonly #refused = new Map<NodeId, Refused>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(nodeId: NodeId): void {
    const times = (this.#refused.get(nodeId)?.times ?? 0) + 1;
    const pauseMs = Math.min(MESH_LIMITS.refusedBackoffMaxMs, MESH_LIMITS.refusedBackoffMs * 2 ** (times - 1));
    this.#refused.delete(nodeId);
    this.#refused.set(nodeId, { times, untilMs: this.#clock.monotonicMs() + pauseMs });
    for (const oldest of this.#refused.keys()) {
      if (this.#refused.size <= MESH_LIMITS.refusedPeersRemembered) return;
      this.#refused.delete(oldest);
    }
  }

  /** Forgiven: it has a certificate now. */
  forgive(nodeId: NodeId): void {
    this.#refused.delete(nodeId);
  }

  isPaused(nodeId: NodeId): boolean {
    const refused = this.#refused.get(nodeId);
    return refused !== undefined && refused.untilMs > this.#clock.monotonicMs();
  }

  /** One that comes again and again is not even given a handshake. */
  isNuisance(nodeId: NodeId): boolean {
    return this.isPaused(nodeId) && (this.#refused.get(nodeId)?.times ?? 0) >= NUISANCE_TIMES;
  }
}

const NUISANCE_TIMES = 3;
