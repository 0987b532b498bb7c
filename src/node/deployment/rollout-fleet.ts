/** The fleet as a rollout's coordinator sees it: whom the order is for, what they say, and who could coordinate. */
import type { NodeId } from '../../core/index.ts';
import { type FleetNode, isTargeted, planFit, type RolloutNode, toArchitecture } from '../../deploy/index.ts';
import type { ModelStatusEntry, RolloutSpec } from '../../protocol/index.ts';
import { mayAuthor, mayDeploy, type OrderContext } from '../../trust/index.ts';
import type { RolloutFleet } from './rollout-coordinator.ts';

export interface RolloutFleetPorts {
  /** Current members that said what they are, this node among them. */
  nodes(): readonly FleetNode[];
  /** What each node says of a model. */
  statusesOf(modelId: string): ReadonlyMap<NodeId, readonly ModelStatusEntry[]>;
  orderContext(): OrderContext;
}

export function rolloutFleet(ports: RolloutFleetPorts): RolloutFleet {
  return {
    nodesOf: (spec) => ports.nodes().flatMap((node) => toRolloutNode(spec, node, ports) ?? []),
    statusesOf: (modelId) => ports.statusesOf(modelId),
    coordinatorsOf(modelId) {
      const { policy } = ports.orderContext();
      const may = ({ role }: { readonly role: string }) =>
        mayAuthor(role, 'rollout') && mayDeploy(policy, modelId, role);
      return ports.nodes().flatMap(({ facts, online }) => (online && may(facts) ? [facts.node_id] : []));
    },
  };
}

/** Undefined for one that the rollout is not for, or that the model does not fit. */
function toRolloutNode(
  spec: RolloutSpec,
  { facts, online }: FleetNode,
  ports: RolloutFleetPorts,
): RolloutNode | undefined {
  if (!isTargeted(spec.target, facts)) return undefined;
  const { model_id: modelId, sha256 } = spec.manifest;
  const said = ports.statusesOf(modelId).get(facts.node_id) ?? [];
  // Then it needs no room for the bytes.
  const isHere = said.some((entry) => entry.sha256 === sha256);
  if (planFit(spec.manifest, facts, { isHere }).fit === 'no') return undefined;
  return { nodeId: facts.node_id, architecture: toArchitecture(facts.hardware.architecture), online };
}
