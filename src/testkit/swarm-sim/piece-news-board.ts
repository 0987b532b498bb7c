/**
 * What one simulated machine holds, and the news of it to those who follow: as a whole first, then changes, gathered for
 * 100 ms, which arrive after the delay of its own line and the mean of the others' (one event for all followers, not one each).
 * Spec: docs/spec/10-transfer.md §8.
 */
import { Bitfield } from '../../content/index.ts';
import { type PieceNews, type Span, spansOfMissing } from '../../transfer/index.ts';
import type { Task } from './event-queue.ts';
import type { SimPeer } from './sim-peer.ts';
import type { SwarmWorld } from './swarm-world.ts';

export class PieceNewsBoard implements Task {
  readonly #owner: SimPeer;
  readonly #world: SwarmWorld;
  readonly #held: Bitfield;
  readonly #sent: Bitfield;
  readonly #followers = new Set<SimPeer>();
  #gained: number[] = [];
  #newlySent: number[] = [];
  #othersChanged = false;
  #isWaiting = false;

  constructor(owner: SimPeer, world: SwarmWorld, holdsAll: boolean) {
    this.#owner = owner;
    this.#world = world;
    this.#held = new Bitfield(world.options.pieceCount);
    this.#sent = new Bitfield(world.options.pieceCount);
    if (holdsAll) for (let index = 0; index < world.options.pieceCount; index += 1) this.#held.add(index);
  }

  get heldCount(): number {
    return this.#held.count;
  }

  get sentCount(): number {
    return this.#sent.count;
  }

  get followerCount(): number {
    return this.#followers.size;
  }

  has(index: number): boolean {
    return this.#held.has(index);
  }

  missing(): Span[] {
    return spansOfMissing(this.#held.length, (index) => this.#held.has(index));
  }

  gain(index: number): void {
    if (this.#held.has(index)) this.#world.duplicatePieces += 1;
    this.#held.add(index);
    if (this.#followers.size === 0) return;
    this.#gained.push(index);
    this.#tellSoon();
  }

  /** It has begun to send the piece to somebody. */
  noteSending(index: number): void {
    if (this.#sent.has(index)) return;
    this.#sent.add(index);
    if (this.#followers.size === 0) return;
    this.#newlySent.push(index);
    this.#tellSoon();
  }

  addFollower(follower: SimPeer): void {
    this.#followers.add(follower);
    for (const news of this.#whole()) follower.tell({ on: 'pieces_news', sourceId: this.#owner.id, news });
    this.#othersChanged = true;
    this.#tellSoon();
  }

  removeFollower(follower: SimPeer): void {
    if (!this.#followers.delete(follower)) return;
    this.#othersChanged = true;
    this.#tellSoon();
  }

  /** The machine goes: nobody follows it any more. Returns who did. */
  dropFollowers(): SimPeer[] {
    const followers = [...this.#followers];
    this.#followers.clear();
    return followers;
  }

  fire(): void {
    this.#isWaiting = false;
    const news = this.#takeChanges();
    const sourceId = this.#owner.id;
    for (const follower of [...this.#followers])
      for (const one of news) if (follower.isOnline) follower.tell({ on: 'pieces_news', sourceId, news: one });
  }

  #whole(): PieceNews[] {
    const isAll = this.#held.count === this.#held.length;
    const sent = indexesOf(this.#sent);
    return [
      isAll ? { news: 'holds_all' } : { news: 'holds', bits: this.#held.toBytes() },
      ...(sent.length > 0 ? [{ news: 'sent', indexes: sent } as const] : []),
      { news: 'others', count: this.#followers.size - 1 },
    ];
  }

  #takeChanges(): PieceNews[] {
    const news: PieceNews[] = [];
    if (this.#gained.length > 0) news.push({ news: 'gained', indexes: this.#gained });
    if (this.#newlySent.length > 0) news.push({ news: 'sent', indexes: this.#newlySent });
    if (this.#othersChanged) news.push({ news: 'others', count: this.#followers.size - 1 });
    [this.#gained, this.#newlySent, this.#othersChanged] = [[], [], false];
    return news;
  }

  #tellSoon(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#world.queue.after(this.#world.options.newsDelayMs + this.#owner.located.line.delayMs, this);
  }
}

function indexesOf(field: Bitfield): number[] {
  const indexes: number[] = [];
  for (let index = 0; index < field.length; index += 1) if (field.has(index)) indexes.push(index);
  return indexes;
}
