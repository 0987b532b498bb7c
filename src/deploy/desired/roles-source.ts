/** Models whose manifests name the node's role come by themselves. Spec: docs/spec/17-deployment.md §2.4. Pure. */
import type { Because, NodeFacts } from '../types.ts';
import { elsewhere, type Listener, type Said } from './candidate.ts';
import { chooseVersion, type VersionChoice } from './choose-version.ts';
import type { FleetIndex } from './fleet-index.ts';
import { priorityOf } from './precedence.ts';

export function listenToRoles(index: FleetIndex, node: NodeFacts, listener: Listener): void {
  for (const model of index.manifests.forRole(node.role)) {
    const { modelId } = model;
    if (listener.isDecided(modelId)) continue;
    const choice = chooseVersion(index, model, node, ({ manifest }) => listener.withheldBy(manifest) === undefined);
    if (choice === undefined) continue;
    const { author, publishedAtMs: orderedAtMs } = choice.known;
    const because: Because = { kind: 'organic', id: '', author, orderedAtMs };
    listener.hear(because, modelId, roleFor(index, choice, because, node));
  }
}

function roleFor(index: FleetIndex, { known, fit }: VersionChoice, because: Because, node: NodeFacts): Said {
  const { manifest } = known;
  const { model_id: modelId, version } = manifest;
  const { replicas: count, roles } = manifest.deployment;
  if (count > 0) {
    const suits = (other: NodeFacts) => (roles.includes(other.role) ? index.fitOfReader(manifest, other) : undefined);
    if (!index.chosen(manifest, modelId, count, suits).has(node.node_id)) return { why: elsewhere(count), version };
  }
  const order = { modelId, manifest, because, fit, priority: priorityOf(manifest) };
  return { candidate: { ...order, presence: 'present', load: true } };
}
