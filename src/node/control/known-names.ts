/** Names of nodes, as far as known: people know nodes by name. */
import type { NodeId } from '../../core/index.ts';
import type { NodeParts } from './parts.ts';

/** As each calls itself now, else as it was vouched for, else its id. */
export function nameOf(parts: NodeParts, nodeId: string): string {
  return namesOf(parts)(nodeId);
}

/** The same for many: who was heard of is looked up once. */
export function namesOf({ name, mesh, catalog }: NodeParts): (nodeId: string) => string {
  const heard = new Map<string, string>(catalog.getNodes().map((node) => [node.nodeId, node.name]));
  heard.set(mesh.nodeId, name);
  return (nodeId) => heard.get(nodeId) ?? mesh.certificateOf(nodeId as NodeId)?.name ?? nodeId;
}

export function withNames(parts: NodeParts, text: string): string {
  return text.replaceAll(/12D3KooW[1-9A-HJ-NP-Za-km-z]{44}/g, (nodeId) => nameOf(parts, nodeId));
}
