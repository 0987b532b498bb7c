/** What rules say of a node. Spec: docs/spec/18-rules.md §2. Pure. */
import { meansModel, mismatchOf } from '../rules/match-rule.ts';
import type { KnownManifest, NodeFacts } from '../types.ts';
import { elsewhere, type Listener, type Said, type Withheld } from './candidate.ts';
import { chooseVersion } from './choose-version.ts';
import type { FleetIndex } from './fleet-index.ts';
import type { ModelVersions } from './manifest-index.ts';
import type { RuleEntry } from './precedence.ts';

export function listenToRules(index: FleetIndex, node: NodeFacts, listener: Listener): void {
  const { minuteOfDay } = index.fleet;
  for (const entry of index.rules.entries) {
    const mismatch = mismatchOf(entry.rule, node, minuteOfDay);
    if (mismatch === undefined) listenToRule(index, entry, node, listener);
    else listener.pass?.(entry.because, mismatch);
  }
}

function listenToRule(index: FleetIndex, entry: RuleEntry, node: NodeFacts, listener: Listener): void {
  for (const { name, version: range } of entry.rule.models) {
    if (name === '*') {
      for (const model of index.manifests.allInRange(range)) {
        if (listener.isDecided(model.modelId)) continue;
        listener.hear(entry.because, model.modelId, ruleForAny(index, entry, model, node, listener.withheldBy));
      }
    } else if (!listener.isDecided(name)) {
      const model = index.manifests.inRange(name, range);
      const said =
        model === undefined
          ? {
              why: `no version of it is known${range === 'latest' || range === '*' ? '' : ` in ${range}`}`,
              version: undefined,
            }
          : ruleFor(index, entry, model, node, listener.withheldBy);
      listener.hear(entry.because, name, said);
    }
  }
}

/** `*` means what fits, and nothing else. */
function ruleForAny(...[index, entry, model, node, withheldBy]: Parameters<typeof ruleFor>): Said {
  const said = ruleFor(index, entry, model, node, withheldBy);
  if (!('candidate' in said) || said.candidate.fit?.fit !== 'no') return said;
  const { fit, manifest } = said.candidate;
  return { why: `it does not fit: ${fit.reasons[0]?.message}`, version: manifest.version };
}

function ruleFor(
  index: FleetIndex,
  entry: RuleEntry,
  model: ModelVersions,
  node: NodeFacts,
  withheldBy: Withheld,
): Said {
  const { rule, because } = entry;
  const { modelId } = model;
  const isMeant = (known: KnownManifest) => isMeantBy(entry, known, node) && withheldBy(known.manifest) === undefined;
  const choice = chooseVersion(index, model, node, isMeant);
  if (choice === undefined) return { why: 'no version of it is meant now', version: undefined };
  const { manifest } = choice.known;
  const refusal = index.mayDeploy(manifest, because.author);
  const count = rule.replicas ?? manifest.deployment.replicas;
  if (count > 0 && refusal === undefined && !isChosen(index, entry, model, node, count))
    return { why: elsewhere(count), version: manifest.version };
  const { priority, load } = rule;
  const order = { modelId, manifest, priority, load, because, refusal, fit: choice.fit };
  return { candidate: { ...order, presence: 'present' } };
}

function isChosen(index: FleetIndex, entry: RuleEntry, model: ModelVersions, node: NodeFacts, count: number): boolean {
  const suits = (other: NodeFacts) => {
    if (!index.isForOnline(entry, other)) return undefined;
    const choice = chooseVersion(index, model, other, (known) => isMeantBy(entry, known, other));
    return choice && index.fitOfReader(choice.known.manifest, other);
  };
  return index.chosen(entry, model.modelId, count, suits).has(node.node_id);
}

function isMeantBy({ rule, because }: RuleEntry, known: KnownManifest, node: NodeFacts): boolean {
  return meansModel(rule, known, node, because.orderedAtMs);
}
