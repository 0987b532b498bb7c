/** What the nodes of one part of a simulated mesh have heard: rollout records by author, statuses by node. */
import type { NodeId } from '../../core/index.ts';
import { mergeRollouts, type RolloutWord } from '../../deploy/index.ts';
import type { ModelStatusEntry, Rollout } from '../../protocol/index.ts';

export interface StatusWord {
  readonly entries: readonly ModelStatusEntry[];
  readonly saidMs: number;
}

export class RolloutBoard {
  readonly words = new Map<NodeId, RolloutWord>();
  readonly statuses = new Map<NodeId, StatusWord>();
  /** When the last new record came. */
  heardAtMs = 0;
  #merged: RolloutWord | undefined;

  get merged(): RolloutWord | undefined {
    this.#merged ??= mergeRollouts([...this.words.values()]);
    return this.#merged;
  }

  publish(rollout: Rollout, author: NodeId, nowMs: number): void {
    this.#take({ rollout, author, issuedAtMs: nowMs });
    this.heardAtMs = nowMs;
  }

  tell(nodeId: NodeId, word: StatusWord): void {
    const known = this.statuses.get(nodeId);
    if (known === undefined || word.saidMs >= known.saidMs) this.statuses.set(nodeId, word);
  }

  /** Two parts of a mesh meet: each record and status in its newest form. */
  takeAll(other: RolloutBoard): void {
    for (const word of other.words.values()) this.#take(word);
    for (const [nodeId, word] of other.statuses) this.tell(nodeId, word);
    this.heardAtMs = Math.max(this.heardAtMs, other.heardAtMs);
  }

  #take(word: RolloutWord): void {
    const known = this.words.get(word.author);
    if (known !== undefined && known.issuedAtMs > word.issuedAtMs) return;
    this.words.set(word.author, word);
    this.#merged = undefined;
  }
}
