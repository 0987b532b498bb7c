/** Names of nodes, as far as known: people know nodes by name. */
import type { NodeId } from '../../core/index.ts';
import type { NodeParts } from './parts.ts';

export function nameOf(parts: NodeParts, nodeId: string): string {
  const heard = parts.catalog.getNodes().find((node) => node.nodeId === nodeId);
  return heard?.name ?? parts.mesh.certificateOf(nodeId as NodeId)?.name ?? nodeId;
}

export function withNames(parts: NodeParts, text: string): string {
  return text.replaceAll(/12D3KooW[1-9A-HJ-NP-Za-km-z]{44}/g, (nodeId) => nameOf(parts, nodeId));
}
