/** The fleet as a rollout's coordinator sees it: whom the order is for, what they say, and who could coordinate. */
import type { NodeId } from '../../core/index.ts';
import { type FleetNode, isTargeted, planFit, type RolloutNode, toArchitecture } from '../../deploy/index.ts';
import type { ModelManifest, ModelStatusEntry, RolloutSpec } from '../../protocol/index.ts';
import { mayAuthor, mayDeploy, type OrderContext } from '../../trust/index.ts';
import type { RolloutFleet } from './rollout-coordinator.ts';

export interface RolloutFleetPorts {
  /** Current members that said what they are, this node among them. */
  nodes(): readonly FleetNode[];
  /** Of all nodes. */
  statuses(): readonly { readonly nodeId: NodeId; readonly models: readonly ModelStatusEntry[] }[];
  /** Whether a node has these bytes already: it then needs no room for them. */
  has(nodeId: NodeId, manifest: ModelManifest): boolean;
  orderContext(): OrderContext;
}

export function rolloutFleet(ports: RolloutFleetPorts): RolloutFleet {
  return {
    nodesOf: (spec) => ports.nodes().flatMap((node) => toRolloutNode(spec, node, ports) ?? []),
    statusesOf(modelId) {
      const own = ports.statuses().map(({ nodeId, models }) => {
        const entries = models.filter((entry) => entry.model_id === modelId);
        return [nodeId, entries] as const;
      });
      return new Map(own.filter(([, entries]) => entries.length > 0));
    },
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
  const isHere = ports.has(facts.node_id, spec.manifest);
  if (planFit(spec.manifest, facts, { isHere }).fit === 'no') return undefined;
  return { nodeId: facts.node_id, architecture: toArchitecture(facts.hardware.architecture), online };
}
