/** Orders and rules in the order in which they count. Spec: docs/spec/17-deployment.md §2.4. Pure. */
import type { ModelId } from '../../core/index.ts';
import type { DeploymentRule, ModelManifest } from '../../protocol/index.ts';
import type { Because, Fleet, Order, RolloutOrder, RuleSet } from '../types.ts';

export type OrderEntry = { readonly modelId: ModelId; readonly because: Because } & (
  | { readonly kind: 'command'; readonly command: Order['command'] }
  | { readonly kind: 'rollout'; readonly rollout: RolloutOrder['rollout'] }
);

export interface RuleEntry {
  readonly rule: DeploymentRule;
  readonly because: Because;
}

/** Of each model, the latest first. */
export function ordersByModel({ orders, rollouts }: Fleet): ReadonlyMap<ModelId, readonly OrderEntry[]> {
  const byModel = new Map<ModelId, OrderEntry[]>();
  for (const entry of [...orders.map(toCommandEntry), ...rollouts.map(toRolloutEntry)]) {
    const entries = byModel.get(entry.modelId);
    if (entries === undefined) byModel.set(entry.modelId, [entry]);
    else entries.push(entry);
  }
  for (const entries of byModel.values()) entries.sort((a, b) => latestFirst(a.because, b.because));
  return byModel;
}

function toCommandEntry({ command, author, orderedAtMs }: Order): OrderEntry {
  const because: Because = { kind: 'command', id: command.command_id, author, orderedAtMs };
  return { kind: 'command', modelId: command.manifest.model_id, because, command };
}

/** By its spec, whoever coordinates and however often the state changes; but not later than anybody said it. */
function toRolloutEntry({ rollout, issuedAtMs }: RolloutOrder): OrderEntry {
  const { rollout_id: id, ordered_by: author, ordered_at: orderedAtMs, manifest } = rollout.spec;
  const because: Because = { kind: 'rollout', id, author, orderedAtMs: Math.min(orderedAtMs, issuedAtMs) };
  return { kind: 'rollout', modelId: manifest.model_id, because, rollout };
}

/** Negative when `a` counts more: the later one; of the same millisecond, that of the larger author, then of the larger id. */
function latestFirst(a: Because, b: Because): number {
  if (a.orderedAtMs !== b.orderedAtMs) return b.orderedAtMs - a.orderedAtMs;
  const [left, right] = [`${a.author ?? ''}\n${a.id}`, `${b.author ?? ''}\n${b.id}`];
  return left === right ? 0 : left > right ? -1 : 1;
}

export interface RulesInForce {
  /** The strongest first. */
  readonly entries: readonly RuleEntry[];
  /** Sets that a later one of the same name replaces. */
  readonly replaced: readonly { readonly set: RuleSet; readonly by: RuleSet }[];
}

export function rulesInForce(sets: readonly RuleSet[]): RulesInForce {
  const latest = new Map<string, RuleSet>();
  const sorted = [...sets].sort((a, b) => latestFirst(becauseOfSet(a), becauseOfSet(b)));
  const replaced: { set: RuleSet; by: RuleSet }[] = [];
  for (const set of sorted) {
    const key = `${set.author === undefined ? 'own' : 'mesh'}\n${set.name}`;
    const by = latest.get(key);
    if (by === undefined) latest.set(key, set);
    else replaced.push({ set, by });
  }
  const entries = [...latest.values()].flatMap((set) =>
    set.rules.map((rule) => ({ rule, because: { ...becauseOfSet(set), id: rule.name } })),
  );
  return { entries: entries.sort(strongestFirst), replaced };
}

function becauseOfSet({ name, author, orderedAtMs }: RuleSet): Because {
  return { kind: 'rule', id: name, author, orderedAtMs };
}

/** The owner's own before the mesh's; then the more urgent, the later; rules of one set stay as they are written. */
function strongestFirst(a: RuleEntry, b: RuleEntry): number {
  const own = Number(b.because.author === undefined) - Number(a.because.author === undefined);
  if (own !== 0) return own;
  if (a.rule.priority !== b.rule.priority) return a.rule.priority - b.rule.priority;
  const ofOneSet = a.because.author === b.because.author && a.because.orderedAtMs === b.because.orderedAtMs;
  return ofOneSet ? 0 : latestFirst({ ...a.because, id: '' }, { ...b.because, id: '' });
}

const PRIORITIES: Readonly<Record<ModelManifest['deployment']['priority'], number>> = {
  critical: 1,
  high: 2,
  normal: 3,
  low: 4,
};

/** As a number, where nobody orders another. */
export function priorityOf({ deployment }: ModelManifest): number {
  return PRIORITIES[deployment.priority];
}
