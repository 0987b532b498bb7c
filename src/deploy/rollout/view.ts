/** What a plan of a rollout rests on. */
import type { NodeId } from '../../core/index.ts';
import type { ModelStatusEntry, RolloutSpec } from '../../protocol/index.ts';
import type { RolloutNode } from './choose.ts';

export interface RolloutView {
  readonly spec: RolloutSpec;
  /** The fleet: nodes that the target holds for and that fit. */
  readonly nodes: readonly RolloutNode[];
  /** What each node says of this model; nodes that said nothing are absent. */
  readonly statuses: ReadonlyMap<NodeId, readonly ModelStatusEntry[]>;
  readonly nowMs: number;
  /** False: whoever ordered it may not (any more); no wave begins. */
  readonly mayGoOn?: boolean;
}
