/** Whom an order is for. Spec: docs/spec/17-deployment.md §3. Pure. */
import type { Target } from '../../protocol/index.ts';
import type { NodeFacts } from '../types.ts';

/** All that is given must hold; nothing given is every node. */
export function isTargeted(target: Target, node: NodeFacts): boolean {
  const { node_ids: ids, roles, regions, labels } = target;
  if (ids.length > 0 && !ids.includes(node.node_id)) return false;
  if (roles.length > 0 && !roles.includes(node.role)) return false;
  if (regions.length > 0 && (node.region === undefined || !regions.includes(node.region))) return false;
  return Object.entries(labels).every(([key, value]) => Object.hasOwn(node.labels, key) && node.labels[key] === value);
}
