/**
 * Which models a node should have: pins, then orders, then rules, then what its role calls for; one winner a model.
 * Spec: docs/spec/17-deployment.md §2.4. Pure: all nodes that know the same plan the same.
 */
import type { ModelManifest } from '../../protocol/index.ts';
import { planFit } from '../fit/plan-fit.ts';
import type { Because, Desired, Fit, FleetNode, NodeFacts, PlanInput, Refusal } from '../types.ts';
import type { Candidate, Listener, Said, Withheld } from './candidate.ts';
import { FleetIndex } from './fleet-index.ts';
import { listenToOrders } from './orders-source.ts';
import { priorityOf } from './precedence.ts';
import { listenToRoles } from './roles-source.ts';
import { listenToRules } from './rules-source.ts';

export type NodePlanInput = Pick<PlanInput, 'node' | 'pins' | 'hasFromRollout'>;

/** The more urgent first. */
export function planDesired(input: PlanInput): Desired[] {
  return planDesiredOf(indexFor(input), input);
}

/** The node that plans is there, whatever the others have heard. */
export function indexFor(input: PlanInput): FleetIndex {
  const others = input.nodes.filter(({ facts }) => facts.node_id !== input.node.node_id);
  const own: FleetNode = { facts: input.node, online: true };
  return new FleetIndex({ ...input, nodes: [...others, own] });
}

/** The same for one node of many: the index serves them all. */
export function planDesiredOf(index: FleetIndex, input: NodePlanInput): Desired[] {
  const winners = winnersOf(index, input);
  const wishes = [...winners.values()].map((candidate) => toDesired(index, candidate, input.node));
  return holdToCount(wishes.sort(moreUrgentFirst), input.node);
}

/** Of each model the strongest that may say so; where none may, the strongest. */
function winnersOf(index: FleetIndex, input: NodePlanInput): ReadonlyMap<string, Candidate> {
  const decided = new Map<string, Candidate>();
  const refused = new Map<string, Candidate>();
  const withheld = new WithheldContent();
  hearAll(index, input, {
    withheldBy: withheld.by,
    isDecided: (modelId) => decided.has(modelId),
    hear(because, modelId, said) {
      if (!('candidate' in said)) withheld.note(said, because);
      else if (said.candidate.refusal === undefined) decided.set(modelId, said.candidate);
      else if (!refused.has(modelId)) refused.set(modelId, said.candidate);
    },
  });
  for (const [modelId, candidate] of refused) if (!decided.has(modelId)) decided.set(modelId, candidate);
  return decided;
}

/** Every source, the strongest first. */
export function hearAll(index: FleetIndex, { node, pins, hasFromRollout }: NodePlanInput, listener: Listener): void {
  for (const { manifest, load = true, pinnedAtMs } of pins) {
    const because: Because = { kind: 'pin', id: '', author: undefined, orderedAtMs: pinnedAtMs };
    const { model_id: modelId } = manifest;
    const order = { modelId, manifest, load, because, priority: priorityOf(manifest) };
    listener.hear(because, modelId, { candidate: { ...order, presence: 'present' } });
  }
  listenToOrders(index, node, hasFromRollout, listener);
  listenToRules(index, node, listener);
  listenToRoles(index, node, listener);
}

/** What rollouts keep back, remembered while one node is planned. */
export class WithheldContent {
  readonly #withheld = new Map<string, Because>();

  readonly by: Withheld = (manifest) =>
    this.#withheld.size === 0 ? undefined : this.#withheld.get(contentKey(manifest));

  note(said: Exclude<Said, { candidate: unknown }>, because: Because): void {
    if (said.withholds !== undefined) this.#withheld.set(contentKey(said.withholds), because);
  }
}

function contentKey({ model_id, sha256 }: ModelManifest): string {
  return `${sha256} ${model_id}`;
}

/** The owner's pin is for what is there: nothing is asked of it. */
export function toDesired(index: FleetIndex, candidate: Candidate, node: NodeFacts): Desired {
  const { modelId, presence, manifest, load, priority, because } = candidate;
  const wish: Desired = { modelId, presence, manifest, load, priority, because };
  if (because.kind === 'pin') return wish;
  if (candidate.refusal !== undefined) return { ...wish, refused: [candidate.refusal] };
  if (presence === 'absent') return wish;
  const mayNotRead = index.mayRead(manifest, node.role);
  const unfit = refusalsOf(candidate.fit ?? index.fitOf(manifest, node));
  const refused = mayNotRead === undefined ? unfit : [mayNotRead, ...unfit];
  return refused.length === 0 ? wish : { ...wish, refused };
}

const NONE: readonly Refusal[] = [];

function refusalsOf({ fit, reasons }: Fit): readonly Refusal[] {
  if (fit !== 'no') return NONE;
  return reasons.filter(({ severity }) => severity === 'refused').map(({ code, message }) => ({ code, message }));
}

function moreUrgentFirst(a: Desired, b: Desired): number {
  return a.priority - b.priority || (a.modelId < b.modelId ? -1 : 1);
}

/** The node takes so many models, the more urgent first; pins count and stay. */
export function holdToCount(wishes: Desired[], node: NodeFacts): Desired[] {
  if (node.constraints.max_models === undefined) return wishes;
  const isWanted = (wish: Desired) => wish.presence === 'present' && wish.refused === undefined;
  let taken = wishes.filter((wish) => wish.because.kind === 'pin').length;
  return wishes.map((wish) => {
    if (!isWanted(wish) || wish.because.kind === 'pin') return wish;
    const { reasons } = planFit(wish.manifest, node, { isHere: true, otherModels: taken });
    const tooMany = reasons.find(({ code }) => code === 'model_count');
    if (tooMany !== undefined) return { ...wish, refused: [{ code: tooMany.code, message: tooMany.message }] };
    taken += 1;
    return wish;
  });
}
