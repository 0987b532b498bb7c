/**
 * Which node a name means. A node tells its name itself in its heartbeats; the one in its certificate was vouched for by
 * the authority, so it decides where somebody else has taken the same name. Pure.
 */
import type { NodeId } from '../../core/index.ts';
import { NodeError } from '../errors.ts';

export interface NamedNode {
  readonly nodeId: NodeId;
  /** As it calls itself now. */
  readonly name: string;
  /** As its certificate says. */
  readonly certifiedName: string;
}

/** Throws NodeError `node_not_found`, `node_ambiguous`. */
export function nodeOfName(nodes: readonly NamedNode[], name: string): NodeId {
  const certified = nodes.filter((node) => node.certifiedName === name);
  const fitting = certified.length === 1 ? certified : nodes.filter((node) => node.name === name);
  const [only] = fitting;
  if (fitting.length > 1)
    throw new NodeError('node_ambiguous', `Looking for ${name}: ${fitting.length} nodes have that name`);
  if (only === undefined)
    throw new NodeError('node_not_found', `Looking for ${name}: no node of this mesh has that name`);
  return only.nodeId;
}
