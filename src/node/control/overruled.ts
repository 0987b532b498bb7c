/** Another's order that takes the place of one that is followed: two admins may disagree. Spec: docs/spec/17-deployment.md §3.5. */
import type { NodeId } from '../../core/index.ts';
import { isTargeted } from '../../deploy/index.ts';
import { parseUpdateCommand, type SignedRecord, type UpdateCommand } from '../../protocol/index.ts';
import { checkOrder } from '../../trust/index.ts';
import type { NodeParts } from './parts.ts';

type Parts = Pick<NodeParts, 'mesh' | 'access' | 'nodes'>;

/** Of the later orders for the same model, the one that the node says it follows, or that took the model away there. */
export function overrulerOf(
  parts: Parts,
  command: UpdateCommand,
  nodeId: NodeId,
  becauses: readonly (string | undefined)[],
): SignedRecord | undefined {
  const orders = parts.mesh.records({ kind: 'deployment' });
  const own = orders.find(({ payload }) => payload.command_id === command.command_id);
  const later = orders.filter((record) => record !== own && (own === undefined || isLater(record, own)));
  if (becauses.length > 0) return later.find(({ payload }) => becauses.includes(`command:${payload.command_id}`));
  return command.action === 'remove' ? undefined : later.find((record) => isRemoval(parts, record, command, nodeId));
}

function isLater(one: SignedRecord, other: SignedRecord): boolean {
  return one.issued_at === other.issued_at ? one.author > other.author : one.issued_at > other.issued_at;
}

/** Nothing is told of a model that is gone: then the order itself has to be one that counts there. */
function isRemoval(parts: Parts, record: SignedRecord, { manifest }: UpdateCommand, nodeId: NodeId): boolean {
  const { action, manifest: other, target, target_nodes: named } = parseUpdateCommand(record.payload);
  if (action !== 'remove' || other.model_id !== manifest.model_id) return false;
  const node = parts.nodes.get(nodeId);
  const ids = [...named, ...target.node_ids];
  const isMeant = node === undefined ? ids.includes(nodeId) : isTargeted({ ...target, node_ids: ids }, node);
  const order = { author: record.author, action, manifest: other } as const;
  return isMeant && checkOrder(order, parts.access.orderContext()) === undefined;
}
