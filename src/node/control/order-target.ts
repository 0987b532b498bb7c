/** Whom an order means: names of nodes and roles as people write them, found in the mesh or refused with what comes near. */
import { isNodeId, type NodeId } from '../../core/index.ts';
import type { Target } from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';
import { findNode, listNodes } from './mesh-control.ts';
import { nearestNames } from './nearest-names.ts';
import type { NodeParts } from './parts.ts';

export interface SaidTarget {
  readonly nodes: readonly string[];
  readonly roles: readonly string[];
  readonly regions: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Nothing said is every node. Throws NodeError `node_not_found`, `node_ambiguous`, `role_not_found`. */
export function resolveTarget(parts: NodeParts, said: SaidTarget): Target {
  const members = listNodes(parts).filter(({ state }) => state !== 'revoked');
  const nodeIds = said.nodes.map((name) => resolveNode(parts, members, name));
  const roles = new Set(members.map(({ role }) => role));
  for (const role of said.roles) {
    if (roles.has(role)) continue;
    const near = nearestNames(role, [...roles]);
    throw new NodeError('role_not_found', `Looking for nodes of the role ${role}: there are none; ${near}`);
  }
  return {
    node_ids: [...new Set(nodeIds)],
    roles: [...new Set(said.roles)],
    regions: [...said.regions],
    labels: { ...said.labels },
  };
}

function resolveNode(parts: NodeParts, members: ReturnType<typeof listNodes>, name: string): NodeId {
  try {
    const nodeId = findNode(parts, name);
    if (members.some((member) => member.node_id === nodeId)) return nodeId;
    throw new NodeError('node_not_found', `Looking for ${name}: it is no member of this mesh`);
  } catch (thrown) {
    if (!(thrown instanceof NodeError) || thrown.code !== 'node_not_found' || isNodeId(name)) throw thrown;
    const near = nearestNames(
      name,
      members.map((member) => member.name),
    );
    throw new NodeError('node_not_found', `${thrown.message}; ${near}`, { data: thrown.data });
  }
}
