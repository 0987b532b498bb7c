/** What a rollout wants of one node. Spec: docs/spec/19-rollout.md §3. Pure. */
import type { NodeId } from '../../core/index.ts';
import type { ModelManifest, Rollout } from '../../protocol/index.ts';
import { isGoingBack } from './phase.ts';

/**
 * `have`: this very manifest, the new one or the one to go back to. `lose`: the new one goes, and there was none before.
 * `withhold`: nothing is ordered, but no weaker source (rule, organic, older order) brings this very content here.
 */
export interface RolloutWish {
  readonly wish: 'have' | 'lose' | 'withhold';
  readonly manifest: ModelManifest;
}

/**
 * For a node that the rollout's target holds for; the caller has looked. `hasIt`: because of this rollout, the new content is in
 * force there or on its way. `mayGoOn` is false where whoever ordered it is no member any more or may not deploy now.
 */
export function desiredVersionOf(
  rollout: Rollout,
  nodeId: NodeId,
  { hasIt, mayGoOn = true }: { readonly hasIt: boolean; readonly mayGoOn?: boolean },
): RolloutWish {
  const { spec, state } = rollout;
  const wave = state.waves.findIndex((nodes) => nodes.includes(nodeId));
  const isIn = wave >= 0;
  const had = !isIn || state.before[wave]?.[state.waves[wave]?.indexOf(nodeId) ?? 0] !== 'n';
  if (isGoingBack(state.phase)) return isIn || hasIt ? wayBack(rollout, had) : withhold(spec.manifest);
  if (state.phase === 'aborted' || !mayGoOn) return hasIt ? have(spec.manifest) : withhold(spec.manifest);
  return isIn || state.phase === 'done' ? have(spec.manifest) : withhold(spec.manifest);
}

function wayBack({ spec }: Rollout, had: boolean): RolloutWish {
  return spec.previous === undefined || !had ? { wish: 'lose', manifest: spec.manifest } : have(spec.previous);
}

function have(manifest: ModelManifest): RolloutWish {
  return { wish: 'have', manifest };
}

function withhold(manifest: ModelManifest): RolloutWish {
  return { wish: 'withhold', manifest };
}
