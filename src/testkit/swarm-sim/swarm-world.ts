/**
 * Everything that the machines of one simulation share: time, network, geometry of the blob, and the rules by which
 * lanes open, sources are found, followed and lost. What the model leaves out: bench/swarm/README.md.
 */
import type { Random } from '../../core/index.ts';
import type { TransferErrorCode, TransferLimits } from '../../transfer/index.ts';
import { connectionCapBytesPerMs, roundTripMs } from './access-lines.ts';
import { EventQueue } from './event-queue.ts';
import { FluidNetwork } from './fluid-network.ts';
import { pickNeighbours } from './neighbours.ts';
import { SimLane } from './sim-lane.ts';
import type { SimPeer } from './sim-peer.ts';

export interface WorldOptions {
  readonly sizeBytes: number;
  readonly pieceBytes: number;
  readonly pieceCount: number;
  readonly limits: TransferLimits;
  readonly random: Random;
  /** Requests that one lane asks ahead. */
  readonly depth: number;
  readonly lanesPerSource: number;
  /** Sources that one machine has at once. */
  readonly neighbours: number;
  readonly settleMs: number;
  readonly newsDelayMs: number;
}

export class SwarmWorld {
  readonly options: WorldOptions;
  readonly queue: EventQueue = new EventQueue();
  readonly network: FluidNetwork;
  readonly peers: SimPeer[] = [];
  /** Calls of the planner. */
  planned = 0;
  duplicatePieces = 0;
  lanesOpened = 0;
  unfinished = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.network = new FluidNetwork(this.queue, options.settleMs);
  }

  after(delayMs: number, fire: () => void): void {
    this.queue.after(delayMs, { fire });
  }

  bytesOfPiece(index: number): number {
    const { sizeBytes, pieceBytes } = this.options;
    return Math.min(pieceBytes, sizeBytes - index * pieceBytes);
  }

  openLane(owner: SimPeer, source: SimPeer, id: number): SimLane {
    const { queue, network } = this;
    this.lanesOpened += 1;
    const path = {
      up: source.up,
      down: owner.down,
      capBytesPerMs: connectionCapBytesPerMs(owner.located, source.located),
    };
    const lane = new SimLane(
      { id, source, owner },
      { queue, network, path, bytesOfPiece: (index) => this.bytesOfPiece(index) },
    );
    source.uploads.add(lane);
    if (!source.isOnline) this.#failToOpen(lane);
    return lane;
  }

  endLane(lane: SimLane): void {
    lane.source.uploads.delete(lane);
    lane.owner.lanes.delete(lane.id);
    lane.close();
  }

  /** Looks who is there, follows the new ones, and lets go of those that are not wanted any more. */
  lookForSources(peer: SimPeer): void {
    if (!peer.isOnline || !peer.isFetching) return;
    const chosen = pickNeighbours(this.peers, peer, this.options.neighbours, this.options.random);
    for (const source of peer.sources.values()) if (!chosen.has(source)) this.#removeSource(peer, source);
    for (const source of chosen) if (!peer.sources.has(source.id)) this.#addSource(peer, source);
  }

  /** The other side of a lane has gone, and its kernel has said so. */
  breakLane(lane: SimLane, code: TransferErrorCode = 'peer_unreachable'): void {
    if (lane.isClosed) return;
    this.endLane(lane);
    lane.owner.tell({ on: 'lane_failed', laneId: lane.id, code });
  }

  loseSource(peer: SimPeer, source: SimPeer): void {
    if (peer.sources.get(source.id) !== source || source.isOnline) return;
    peer.tell({ on: 'source_failed', sourceId: source.id, code: 'peer_unreachable' });
    this.lookForSources(peer);
  }

  #failToOpen(lane: SimLane): void {
    lane.fallSilent();
    const { source, owner } = lane;
    const waitMs = source.wentSilently
      ? this.options.limits.connectTimeoutMs
      : roundTripMs(owner.located, source.located);
    this.after(waitMs, () => this.breakLane(lane));
  }

  #addSource(peer: SimPeer, source: SimPeer): void {
    peer.sources.set(source.id, source);
    const lanes = this.options.lanesPerSource;
    peer.tell({ on: 'source_added', sourceId: source.id, lanes, expectedRate: 0, follows: true });
    // Connection, TLS and the request for its news.
    this.after(3 * roundTripMs(peer.located, source.located), () => {
      if (peer.sources.get(source.id) !== source || !peer.isOnline) return;
      if (source.isOnline) source.board.addFollower(peer);
      else this.loseSource(peer, source);
    });
  }

  #removeSource(peer: SimPeer, source: SimPeer): void {
    peer.tell({ on: 'source_removed', sourceId: source.id });
    source.board.removeFollower(peer);
    peer.sources.delete(source.id);
  }
}
