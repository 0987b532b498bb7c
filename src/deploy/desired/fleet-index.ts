/**
 * The fleet, read once for any number of plans: what counts before what, who runs what, and where replicas go. Answers are kept
 * as long as the index: it is made anew when anything has changed. Spec: docs/spec/17-deployment.md §2.
 */
import type { ModelId, NodeId } from '../../core/index.ts';
import type { ModelManifest } from '../../protocol/index.ts';
import { planFit } from '../fit/plan-fit.ts';
import { mismatchOf } from '../rules/match-rule.ts';
import type { Fit, Fleet, NodeFacts, Refusal } from '../types.ts';
import { ManifestIndex } from './manifest-index.ts';
import { type OrderEntry, ordersByModel, type RuleEntry, type RulesInForce, rulesInForce } from './precedence.ts';
import { type Ranked, rankable, rankFor, rendezvousKey } from './rendezvous.ts';

export class FleetIndex {
  readonly fleet: Fleet;
  readonly manifests: ManifestIndex;
  readonly orders: ReadonlyMap<ModelId, readonly OrderEntry[]>;
  readonly rules: RulesInForce;
  readonly #online: readonly Ranked<NodeFacts>[];
  readonly #ranked = new Map<ModelId, Remembered<NodeFacts>>();
  readonly #chosen = new Map<object, Map<ModelId, ReadonlySet<NodeId>>>();
  readonly #ofRule = new Map<RuleEntry, ReadonlySet<NodeFacts>>();
  readonly #mayRead: Permits = new Map();
  readonly #mayDeploy: Permits = new Map();

  constructor(fleet: Fleet) {
    this.fleet = fleet;
    this.manifests = new ManifestIndex(fleet);
    this.orders = ordersByModel(fleet);
    this.rules = rulesInForce(fleet.rules);
    const online = fleet.nodes.filter((node) => node.online).map(({ facts }) => facts);
    this.#online = rankable(online, ({ node_id }) => node_id);
  }

  /** Whether a rule is for an online node: asked once a rule, and not for each of its models. */
  isForOnline(entry: RuleEntry, node: NodeFacts): boolean {
    let meant = this.#ofRule.get(entry);
    if (meant === undefined) {
      const { minuteOfDay } = this.fleet;
      const nodes = this.#online.map((one) => one.node);
      meant = new Set(nodes.filter((one) => mismatchOf(entry.rule, one, minuteOfDay) === undefined));
      this.#ofRule.set(entry, meant);
    }
    return meant.has(node);
  }

  /** Bytes that are there need no room. */
  fitOf(manifest: ModelManifest, node: NodeFacts): Fit {
    const fit = planFit(manifest, node);
    if (fit.fit !== 'no' || !fit.reasons.some(({ code }) => code === 'disk')) return fit;
    return this.fleet.has?.(node.node_id, manifest) === true ? planFit(manifest, node, { isHere: true }) : fit;
  }

  mayRead(manifest: ModelManifest, role: string): Refusal | undefined {
    return remembered(this.#mayRead, manifest, role, () => this.fleet.access.mayRead(manifest, role));
  }

  /** Undefined where the node may not have it. */
  fitOfReader(manifest: ModelManifest, node: NodeFacts): Fit | undefined {
    return this.mayRead(manifest, node.role) === undefined ? this.fitOf(manifest, node) : undefined;
  }

  /** This node's owner may. */
  mayDeploy(
    manifest: ModelManifest,
    author: NodeId | undefined,
    action: 'deploy' | 'remove' = 'deploy',
  ): Refusal | undefined {
    if (author === undefined) return undefined;
    // To take away what a stolen key signed must be possible: there the signature is not looked at, and nothing is remembered.
    if (action === 'remove') return this.fleet.access.mayDeploy(manifest, author, action);
    return remembered(this.#mayDeploy, manifest, author, () => this.fleet.access.mayDeploy(manifest, author));
  }

  /**
   * The nodes that have the `count` replicas of a model that `source` asks for: of those that fit well, then of those that fit
   * all the same, the ones with the largest weight. `suits` says how well; undefined is not at all.
   */
  chosen(
    source: object,
    modelId: ModelId,
    count: number,
    suits: (node: NodeFacts) => Fit | undefined,
  ): ReadonlySet<NodeId> {
    const ofSource = this.#chosen.get(source) ?? new Map<ModelId, ReadonlySet<NodeId>>();
    this.#chosen.set(source, ofSource);
    const known = ofSource.get(modelId);
    if (known !== undefined) return known;
    const chosen = chooseFrom(this.#rankedFor(modelId), count, suits);
    ofSource.set(modelId, chosen);
    return chosen;
  }

  /** Hundreds of rules may ask for a thousand models each. */
  #rankedFor(modelId: ModelId): Iterable<NodeFacts> {
    const ranked = this.#ranked.get(modelId) ?? new Remembered(rankFor(this.#online, rendezvousKey(modelId)));
    this.#ranked.set(modelId, ranked);
    return ranked;
  }
}

/** What was drawn once is there for the next who asks. */
class Remembered<Item> implements Iterable<Item> {
  readonly #drawn: Item[] = [];
  readonly #rest: Iterator<Item>;

  constructor(rest: Iterator<Item>) {
    this.#rest = rest;
  }

  *[Symbol.iterator](): Generator<Item> {
    for (let place = 0; ; place += 1) {
      if (place === this.#drawn.length) {
        const next = this.#rest.next();
        if (next.done === true) return;
        this.#drawn.push(next.value);
      }
      yield this.#drawn[place] as Item;
    }
  }
}

function chooseFrom(
  ranked: Iterable<NodeFacts>,
  count: number,
  suits: (node: NodeFacts) => Fit | undefined,
): ReadonlySet<NodeId> {
  const well = new Set<NodeId>();
  const allTheSame: NodeId[] = [];
  for (const node of ranked) {
    if (well.size >= count) break;
    const fit = suits(node)?.fit;
    if (fit === 'yes') well.add(node.node_id);
    if (fit === 'degraded') allTheSame.push(node.node_id);
  }
  for (const nodeId of allTheSame.slice(0, count - well.size)) well.add(nodeId);
  return well;
}

/** By who asks first: a plan asks for one node a thousand models in a row. */
type Permits = Map<string, Map<ModelManifest, Refusal | 'granted'>>;

function remembered(
  permits: Permits,
  manifest: ModelManifest,
  who: string,
  ask: () => Refusal | undefined,
): Refusal | undefined {
  let ofWho = permits.get(who);
  if (ofWho === undefined) {
    ofWho = new Map();
    permits.set(who, ofWho);
  }
  let permit = ofWho.get(manifest);
  if (permit === undefined) {
    permit = ask() ?? 'granted';
    ofWho.set(manifest, permit);
  }
  return permit === 'granted' ? undefined : permit;
}
