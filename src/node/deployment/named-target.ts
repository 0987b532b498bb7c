/** Whom an order is for, by the names that people use, checked against who is there: a typo must not mean nobody. Pure. */
import type { NodeId } from '../../core/index.ts';
import { type NodeFacts, nearestWord } from '../../deploy/index.ts';
import type { Target } from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';

export interface NamedTarget {
  readonly nodes: readonly string[];
  readonly roles: readonly string[];
  readonly regions: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface TargetContext {
  /** Throws NodeError `node_not_found`, `node_ambiguous`. */
  readonly findNode: (name: string) => NodeId;
  readonly nodes: readonly NodeFacts[];
}

/** Throws NodeError `node_not_found`, `node_ambiguous`, `no_such_target`. */
export function namedTarget(target: NamedTarget, { findNode, nodes }: TargetContext): Target {
  const known = (wordsOf: (node: NodeFacts) => readonly string[]) => [...new Set(nodes.flatMap(wordsOf))];
  verifyKnown(
    'role',
    target.roles,
    known(({ role }) => [role]),
  );
  verifyKnown(
    'region',
    target.regions,
    known(({ region }) => (region === undefined ? [] : [region])),
  );
  const labels = Object.entries(target.labels).map(([key, value]) => `${key}=${value}`);
  verifyKnown(
    'label',
    labels,
    known((node) => Object.entries(node.labels).map(([key, value]) => `${key}=${value}`)),
  );
  const { roles, regions } = target;
  return {
    node_ids: target.nodes.map(findNode),
    roles: [...roles],
    regions: [...regions],
    labels: { ...target.labels },
  };
}

function verifyKnown(what: string, wanted: readonly string[], known: readonly string[]): void {
  const wrong = wanted.find((word) => !known.includes(word));
  if (wrong === undefined) return;
  const nearest = nearestWord(wrong, known);
  const there = known.length === 0 ? 'none has any' : `there are ${known.slice(0, 20).join(', ')}`;
  throw new NodeError(
    'no_such_target',
    `Looking for nodes of ${what} ${wrong}: none has it${nearest === undefined ? `; ${there}` : `; is ${nearest} meant?`}`,
    { data: { what, wanted: wrong, known: known.slice(0, 100) } },
  );
}
