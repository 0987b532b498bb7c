/**
 * Keeps a node connected: remembered peers, addresses from heartbeats and discovery, up to a target degree.
 * Owns the memory of failures; what to dial is decided in dial-plan.ts, and dialling is the transport's.
 */
import { type Clock, every, type Logger, messageOf, type NodeId, type Random } from '../core/index.ts';
import { dialPauseMs, planDials } from './dial-plan.ts';
import { MESH_LIMITS } from './limits.ts';
import type { PeerStore } from './ports.ts';
import type { MeshTransport } from './transport.ts';

export interface DialerOptions {
  readonly transport: MeshTransport;
  readonly peers: PeerStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Addresses that members tell in their heartbeats. */
  readonly announced: () => Iterable<{ readonly nodeId: NodeId; readonly addresses: readonly string[] }>;
  /** Not to be dialled: refused, revoked, ourselves. */
  readonly isShunned: (nodeId: NodeId) => boolean;
}

export class Dialer {
  readonly #options: DialerOptions;
  readonly #discovered = new Map<NodeId, readonly string[]>();
  readonly #failures = new Map<NodeId, { count: number; untilMs: number }>();
  readonly #dialling = new Map<NodeId, Promise<void>>();
  readonly #stopped = new AbortController();
  readonly #stops: (() => void)[] = [];

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  start(): void {
    const { transport, clock } = this.#options;
    this.#stops.push(
      transport.peerEvents.on((event) => {
        if (event.type === 'discovered') this.#discover(event.nodeId, event.addresses);
        if (event.type === 'disconnected' || event.type === 'discovered') this.dialNow();
      }),
      every(clock, MESH_LIMITS.dialEveryMs, () => this.dialNow()),
    );
    this.dialNow();
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    this.#stopped.abort();
    await Promise.all(this.#dialling.values());
  }

  /** Dials what the plan says; returns at once. */
  dialNow(): void {
    const degree = this.#options.transport.peers().length + this.#dialling.size;
    if (this.#stopped.signal.aborted || degree >= MESH_LIMITS.targetDegree) return;
    const known = this.#candidates();
    const nowMs = this.#options.clock.monotonicMs();
    const isPaused = (nodeId: NodeId) =>
      this.#options.isShunned(nodeId) || (this.#failures.get(nodeId)?.untilMs ?? 0) > nowMs;
    const state = {
      candidates: [...known.keys()],
      connected: new Set(this.#options.transport.peers()),
      dialling: new Set(this.#dialling.keys()),
      isPaused,
    };
    for (const nodeId of planDials(state, this.#options.random)) this.#dial(nodeId, [...(known.get(nodeId) ?? [])]);
  }

  /** What failed before may succeed now. */
  beginAnew(): void {
    this.#failures.clear();
    this.dialNow();
  }

  #discover(nodeId: NodeId, addresses: readonly string[]): void {
    this.#discovered.delete(nodeId);
    this.#discovered.set(nodeId, addresses.slice(0, MESH_LIMITS.addressesPerPeer));
    for (const oldest of this.#discovered.keys()) {
      if (this.#discovered.size <= MESH_LIMITS.candidatesRemembered) return;
      this.#discovered.delete(oldest);
    }
  }

  /** Everyone we know an address of: what worked before first, then what is announced, then what was discovered. */
  #candidates(): Map<NodeId, Set<string>> {
    const known = new Map<NodeId, Set<string>>();
    const add = (nodeId: NodeId, addresses: Iterable<string>) => {
      const all = known.get(nodeId) ?? new Set<string>();
      for (const address of addresses) if (all.size < MESH_LIMITS.addressesPerPeer) all.add(address);
      known.set(nodeId, all);
    };
    const { peers, announced, transport } = this.#options;
    for (const { nodeId, multiaddr } of peers.list().toSorted((a, b) => b.lastSeenMs - a.lastSeenMs)) {
      add(nodeId, [multiaddr]);
    }
    for (const { nodeId, addresses } of announced()) add(nodeId, addresses);
    for (const [nodeId, addresses] of this.#discovered) add(nodeId, addresses);
    known.delete(transport.nodeId);
    return known;
  }

  #dial(nodeId: NodeId, addresses: string[]): void {
    const { transport, clock, random, logger } = this.#options;
    const done = transport
      .connect(nodeId, addresses, this.#stopped.signal)
      .then(() => {
        this.#failures.delete(nodeId);
      })
      .catch((thrown: unknown) => {
        const count = (this.#failures.get(nodeId)?.count ?? 0) + 1;
        this.#failures.set(nodeId, { count, untilMs: clock.monotonicMs() + dialPauseMs(count, random) });
        logger.debug({ peer: nodeId, failures: count, reason: messageOf(thrown) }, 'dial failed');
      })
      .finally(() => {
        this.#dialling.delete(nodeId);
      });
    this.#dialling.set(nodeId, done);
  }
}
