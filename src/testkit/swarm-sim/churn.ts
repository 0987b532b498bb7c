/** Machines that come, go and come back: each leaves at a constant rate, some without a word, and stays away for a while. */
import type { Random } from '../../core/index.ts';
import type { SimPeer } from './sim-peer.ts';
import type { SwarmWorld } from './swarm-world.ts';

export interface ChurnOptions {
  /** Share of those who are there that leaves in a minute. */
  readonly perMinute: number;
  readonly meanAwayMs: number;
  /** Share of the leavers that is switched off or cut off, so that nobody is told. */
  readonly silentShare: number;
  /** From a machine's coming, or its goodbye, until the others know. */
  readonly gossipMs: number;
}

export class Churn {
  readonly #world: SwarmWorld;
  readonly #options: ChurnOptions;
  readonly #random: Random;

  constructor(world: SwarmWorld, options: ChurnOptions, random: Random) {
    this.#world = world;
    this.#options = options;
    this.#random = random;
  }

  arrive(peer: SimPeer): void {
    const { nowMs } = this.#world.queue;
    peer.isOnline = true;
    peer.wentSilently = false;
    peer.online.push({ fromMs: nowMs, toMs: Number.POSITIVE_INFINITY });
    const stay = peer.online.length;
    if (peer.doneAtMs === undefined) this.#start(peer);
    this.#world.after(this.#options.gossipMs, () => {
      if (peer.online.length === stay && peer.isOnline) peer.isKnown = true;
    });
    if (this.#options.perMinute > 0 && peer.index > 0)
      this.#world.after(this.#exponential(60_000 / this.#options.perMinute), () => this.#leave(peer));
  }

  #start(peer: SimPeer): void {
    peer.startFetching();
    this.#world.lookForSources(peer);
    this.#keepTicking(peer, this.#world.options.limits.tickMs * this.#random.next());
  }

  /** Until it is done, or goes. */
  #keepTicking(peer: SimPeer, delayMs: number): void {
    const stay = peer.online.length;
    this.#world.after(delayMs, () => {
      if (!peer.isFetching || peer.online.length !== stay) return;
      peer.tick();
      this.#keepTicking(peer, this.#world.options.limits.tickMs);
    });
  }

  #leave(peer: SimPeer): void {
    const span = peer.online.at(-1);
    if (span === undefined) return;
    span.toMs = this.#world.queue.nowMs;
    peer.isOnline = false;
    peer.wentSilently = this.#random.next() < this.#options.silentShare;
    peer.stopFetching();
    const noticeMs = peer.wentSilently ? this.#world.options.limits.stallMs : peer.located.line.delayMs;
    const stay = peer.online.length;
    for (const lane of [...peer.uploads]) {
      lane.fallSilent();
      if (!peer.wentSilently) this.#world.after(noticeMs, () => this.#world.breakLane(lane));
    }
    const followers = peer.board.dropFollowers();
    this.#world.after(noticeMs, () => {
      if (peer.online.length === stay) peer.isKnown = false;
      for (const follower of followers) this.#world.loseSource(follower, peer);
    });
    this.#world.after(this.#exponential(this.#options.meanAwayMs), () => this.arrive(peer));
  }

  #exponential(meanMs: number): number {
    return -Math.log(1 - this.#random.next()) * meanMs;
  }
}
