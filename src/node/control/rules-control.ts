/** Deployment rules: check, apply, show, explain. Spec: docs/spec/18-rules.md §4–§6. */
import type { ControlHandlers, ExplainedModel, ExplainedNode, RuleSetRow } from '../../api/index.ts';
import type { NodeId } from '../../core/index.ts';
import {
  type Because,
  type Explanation,
  explainDesired,
  FleetIndex,
  indexFor,
  type RuleSet,
  type RuleSurroundings,
  readRules,
} from '../../deploy/index.ts';
import type { DeploymentRule } from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';
import { nameOf, withNames } from './known-names.ts';
import { findNode } from './mesh-control.ts';
import type { NodeParts } from './parts.ts';

type RulesControl = Pick<ControlHandlers, 'rulesCheck' | 'rulesApply' | 'rulesShow' | 'rulesExplain'>;

export function rulesControl(parts: NodeParts): RulesControl {
  return {
    async rulesCheck({ body }) {
      const { rules, complaints } = readRules(body.text, surroundingsOf(parts));
      return { valid: rules !== undefined, rules: rules?.length ?? 0, complaints: [...complaints] };
    },
    async rulesApply({ body }) {
      const { rules, complaints } = readRules(body.text, surroundingsOf(parts));
      if (rules === undefined) throw badRules(complaints);
      const replaced = ownWord(parts)?.rules.length ?? 0;
      apply(parts, rules);
      return { valid: true, rules: rules.length, complaints: [...complaints], replaced };
    },
    rulesShow: async () => show(parts),
    async rulesExplain({ query }) {
      return explain(parts, query.node === undefined ? parts.mesh.nodeId : findNode(parts, query.node), query.model);
    },
  };
}

function surroundingsOf({ nodes, deployment }: NodeParts): RuleSurroundings {
  const versions = Map.groupBy(deployment.manifests.known(), ({ manifest }) => manifest.model_id as string);
  return {
    roles: [...new Set(nodes.nodes().map(({ facts }) => facts.role))],
    versions: new Map([...versions].map(([id, known]) => [id, known.map(({ manifest }) => manifest.version)])),
  };
}

function badRules(complaints: ReturnType<typeof readRules>['complaints']): NodeError {
  const errors = complaints.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const where = first === undefined ? '' : `line ${first.line}, column ${first.column}: ${first.message}`;
  return new NodeError('bad_rules', `Applying rules: ${where}${more}`, { data: { complaints } });
}

/** What this node has said before. */
function ownWord({ rules, mesh }: NodeParts): RuleSet | undefined {
  return rules.sets().find(({ author, name }) => author === mesh.nodeId && name === 'default');
}

function apply({ rules, audit, mesh }: NodeParts, next: readonly DeploymentRule[]): void {
  rules.verifyMayApply();
  audit.insist('policy', { what: 'rules', who: mesh.nodeId, rules: next.map(({ name }) => name) });
  rules.apply(next);
}

function show(parts: NodeParts) {
  const { rules, deployment } = parts;
  const { replaced } = new FleetIndex(deployment.fleet()).rules;
  const gone = new Set(replaced.map(({ set }) => set));
  const { own } = rules;
  return {
    sets: rules.sets().map((set) => toSetRow(parts, set, !gone.has(set))),
    own_file: { path: own.path, there: own.set !== undefined, complaints: [...own.complaints] },
  };
}

function toSetRow(parts: NodeParts, set: RuleSet, inForce: boolean): RuleSetRow {
  return {
    name: set.name,
    source: set.author === undefined ? 'own' : 'mesh',
    ...authorOf(parts, set.author),
    ordered_at: new Date(set.orderedAtMs).toISOString(),
    in_force: inForce,
    rules: set.rules.map((rule) => ({ ...rule })),
  };
}

/** Throws NodeError `node_not_described`. Pins of other nodes are not known here. */
function explain(parts: NodeParts, nodeId: NodeId, modelId: string | undefined): ExplainedNode {
  const { nodes, deployment, mesh } = parts;
  const facts = nodes.get(nodeId);
  if (facts === undefined)
    throw new NodeError('node_not_described', `Explaining ${nameOf(parts, nodeId)}: it has not said what it is`);
  const own = deployment.wishes.planInput();
  const isSelf = nodeId === mesh.nodeId;
  const input = isSelf ? own : { ...deployment.fleet(), node: facts, pins: [] };
  const { models, passed } = explainDesired(indexFor(input), input, modelId);
  return {
    node_id: nodeId,
    node_name: nameOf(parts, nodeId),
    role: facts.role,
    models: models.map((model) => toExplainedModel(parts, model)),
    passed: passed.map(({ because, why }) => ({ because: toBecause(parts, because), why: withNames(parts, why) })),
  };
}

function toExplainedModel(parts: NodeParts, { modelId, desired, standings }: Explanation): ExplainedModel {
  return {
    model_id: modelId,
    outcome: outcomeOf(desired),
    version: desired?.manifest.version ?? null,
    priority: desired?.priority ?? null,
    refused: [...(desired?.refused ?? [])],
    standings: standings.map(({ because, version, presence, standing, why }) => ({
      because: toBecause(parts, because),
      version: version ?? null,
      ...{ presence, standing, why: withNames(parts, why) },
    })),
  };
}

function outcomeOf(desired: Explanation['desired']): ExplainedModel['outcome'] {
  if (desired === undefined) return 'as_is';
  if (desired.refused !== undefined) return 'refused';
  return desired.presence === 'absent' ? 'lose' : 'have';
}

function toBecause(parts: NodeParts, { kind, id, author, orderedAtMs }: Because) {
  return { kind, id, ...authorOf(parts, author), ordered_at: new Date(orderedAtMs).toISOString() };
}

function authorOf(parts: NodeParts, author: NodeId | undefined) {
  if (author === undefined) return { author: null, author_name: null };
  return { author, author_name: nameOf(parts, author) };
}
