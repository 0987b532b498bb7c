/**
 * Which nodes come next: by the hash of rollout and node, so that every coordinator that sees the same nodes chooses the same
 * ones, and of each architecture first the one that has fewer so far. Spec: docs/spec/19-rollout.md §4.4. Pure.
 */
import { createHash } from 'node:crypto';
import type { NodeId } from '../../core/index.ts';

export interface RolloutNode {
  readonly nodeId: NodeId;
  /** One name for each: `aarch64`, `x86_64`, … */
  readonly architecture: string;
  readonly online: boolean;
}

/** Nodes in the order of SHA-256 over the lines and the node's id. */
export function inHashOrder<Node>(nodes: readonly Node[], idOf: (node: Node) => NodeId, ...lines: string[]): Node[] {
  const keyed = nodes.map((node) => ({ node, key: hashOf([...lines, idOf(node)].join('\n')) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ node }) => node);
}

export interface Choice {
  readonly rolloutId: string;
  /** Those that may be chosen. */
  readonly candidates: readonly RolloutNode[];
  /** Those that are in a wave. */
  readonly taken: readonly RolloutNode[];
  readonly count: number;
}

export function chooseNodes({ rolloutId, candidates, taken, count }: Choice): NodeId[] {
  const queues = new Map<string, { readonly nodes: NodeId[]; next: number; taken: number }>();
  const queueOf = (architecture: string) => {
    const queue = queues.get(architecture) ?? { nodes: [], next: 0, taken: 0 };
    queues.set(architecture, queue);
    return queue;
  };
  const order = new Map<NodeId, number>();
  for (const { nodeId, architecture } of inHashOrder(candidates, (node) => node.nodeId, rolloutId)) {
    order.set(nodeId, order.size);
    queueOf(architecture).nodes.push(nodeId);
  }
  for (const { architecture } of taken) queueOf(architecture).taken += 1;
  const chosen: NodeId[] = [];
  while (chosen.length < count) {
    const open = [...queues.values()].filter(({ nodes, next }) => next < nodes.length);
    const placeOf = ({ nodes, next }: { nodes: NodeId[]; next: number }) => order.get(nodes[next] as NodeId) ?? 0;
    const [first] = open.sort((a, b) => a.taken - b.taken || placeOf(a) - placeOf(b));
    if (first === undefined) break;
    chosen.push(first.nodes[first.next] as NodeId);
    first.next += 1;
    first.taken += 1;
  }
  return chosen;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
