/** Whom one blob is asked of: who offers the model, and who fetches the blob as well; of many, a choice. */
import { type NodeId, type Random, systemRandom } from '../../core/index.ts';
import { type BlobToGet, chooseNeighbours, type NeighbourCandidate, type PieceSource } from '../../transfer/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { Holder, HolderView, PullTarget } from './ports.ts';

interface Candidate extends NeighbourCandidate {
  readonly holder: Holder;
}

export class BlobSwarm {
  readonly #view: HolderView;
  readonly #target: PullTarget;
  readonly #blob: BlobToGet;
  readonly #random: Random;
  readonly #taken = new Set<NodeId>();
  /** Of the taken, those of whom nothing was heard at the last look. */
  readonly #away = new Set<NodeId>();

  constructor(view: HolderView, target: PullTarget, blob: BlobToGet, random: Random = systemRandom) {
    this.#view = view;
    this.#target = target;
    this.#blob = blob;
    this.#random = random;
  }

  /** Ways to those that were not taken before, or that went and are back: as many as there is room for. */
  more(holders: readonly Holder[]): PieceSource[] {
    const all = this.#candidates(holders);
    const back = all.filter(({ holder }) => this.#away.delete(holder.nodeId));
    this.#noteAway(all);
    // Those that are gone leave their places to others.
    const room = NODE_LIMITS.neighboursPerBlob - (this.#taken.size - this.#away.size);
    const candidates = all.filter(({ holder }) => !this.#taken.has(holder.nodeId));
    const preferred = candidates.filter(({ holder }) => holder.nodeId === this.#target.preferredNodeId);
    const others = candidates.filter((one) => !preferred.includes(one));
    const chosen = chooseNeighbours(others, room - preferred.length, this.#random);
    // Who has everything is asked first for the piece list.
    const inOrder = chosen.toSorted((a, b) => Number(b.isComplete) - Number(a.isComplete));
    return [...preferred, ...inOrder, ...back].flatMap(({ holder }) => this.#take(holder));
  }

  /** Who takes its word back, as one whose pull was cancelled, may give it again. */
  #noteAway(all: readonly Candidate[]): void {
    const present = new Set(all.map(({ holder }) => holder.nodeId));
    for (const nodeId of this.#taken) if (!present.has(nodeId)) this.#away.add(nodeId);
  }

  #take(holder: Holder): PieceSource[] {
    const isPreferred = holder.nodeId === this.#target.preferredNodeId;
    const source = this.#view.sourceFor(isPreferred ? { ...holder, isPreferred } : holder, this.#blob);
    if (source === undefined) return [];
    this.#taken.add(holder.nodeId);
    return [source];
  }

  #candidates(holders: readonly Holder[]): Candidate[] {
    const complete = new Set(holders.map(({ nodeId }) => nodeId));
    const partial = this.#view.fetchers?.(this.#blob).filter(({ nodeId }) => !complete.has(nodeId)) ?? [];
    return [...toCandidates(holders, true), ...toCandidates(partial, false)];
  }
}

/** The view ranks them best first. */
function toCandidates(ranked: readonly Holder[], isComplete: boolean): Candidate[] {
  return ranked.map((holder, rank) => ({
    ...{ id: holder.nodeId, holder, isComplete },
    pathOrder: holder.distance ?? 0,
    score: -rank,
  }));
}
