/**
 * Why a node will have what: each model with the wish that wins and every other, and why it lost. Spec: docs/spec/17-deployment.md
 * §2.8. Pure; the same walk as the plan's, so that it cannot say anything else.
 */
import type { Because, Desired } from '../types.ts';
import type { Candidate, Said } from './candidate.ts';
import type { FleetIndex } from './fleet-index.ts';
import { hearAll, type NodePlanInput, planDesiredOf, WithheldContent } from './plan-desired.ts';

export interface Standing {
  readonly because: Because;
  /** Undefined where no version is meant. */
  readonly version: string | undefined;
  readonly presence: Desired['presence'];
  /** `wins`; `loses` to a stronger one; `refused`: may not say so; `passes`: it says nothing of this model here. */
  readonly standing: 'wins' | 'loses' | 'refused' | 'passes';
  readonly why: string;
}

export interface Explanation {
  readonly modelId: string;
  /** With what is in its way. Undefined: nothing orders anything, and all stays as it is. */
  readonly desired: Desired | undefined;
  /** The strongest first. */
  readonly standings: readonly Standing[];
}

export interface ExplainedPlan {
  readonly models: readonly Explanation[];
  /** Rules that are not for this node, and sets that a later one replaces. */
  readonly passed: readonly { readonly because: Because; readonly why: string }[];
}

/** Of one model, or of all that anything is said of. */
export function explainDesired(index: FleetIndex, input: NodePlanInput, modelId?: string): ExplainedPlan {
  const desired = new Map(planDesiredOf(index, input).map((wish) => [wish.modelId as string, wish]));
  const heard = new Map<string, Standing[]>();
  const passed: ExplainedPlan['passed'][number][] = replacedSets(index);
  const withheld = new WithheldContent();
  hearAll(index, input, {
    withheldBy: withheld.by,
    isDecided: (id) => modelId !== undefined && id !== modelId,
    hear(because, id, said) {
      if (!('candidate' in said)) withheld.note(said, because);
      heard.set(id, [...(heard.get(id) ?? []), standingOf(because, said, desired.get(id))]);
    },
    pass: (because, why) => passed.push({ because, why }),
  });
  const models = [...heard]
    .filter(([id]) => modelId === undefined || id === modelId)
    .map(([id, standings]) => ({ modelId: id, desired: desired.get(id), standings }));
  return { models: models.sort((a, b) => (a.modelId < b.modelId ? -1 : 1)), passed };
}

function standingOf(because: Because, said: Said, winner: Desired | undefined): Standing {
  if (!('candidate' in said))
    return { because, version: said.version, presence: 'present', standing: 'passes', why: said.why };
  const { candidate } = said;
  const base = { because, version: candidate.manifest.version, presence: candidate.presence };
  if (candidate.refusal !== undefined) return { ...base, standing: 'refused', why: candidate.refusal.message };
  if (winner !== undefined && isSame(winner.because, because))
    return { ...base, standing: 'wins', why: inItsWay(winner) };
  return { ...base, standing: 'loses', why: whyItLoses(candidate, winner) };
}

function isSame(a: Because, b: Because): boolean {
  return a.kind === b.kind && a.id === b.id && a.author === b.author && a.orderedAtMs === b.orderedAtMs;
}

function inItsWay({ refused, presence }: Desired): string {
  if (refused !== undefined) return `but not here: ${refused.map(({ message }) => message).join('; ')}`;
  return presence === 'absent' ? 'it goes' : 'it should be here';
}

function whyItLoses({ because }: Candidate, winner: Desired | undefined): string {
  if (winner === undefined) return 'it does not count here';
  const by = `${nameOf(winner.because)}${winner.because.author === undefined ? '' : ` of ${winner.because.author}`}`;
  if (STRENGTH[winner.because.kind] < STRENGTH[because.kind]) return `${by} is stronger`;
  if (winner.because.kind === 'rule' && winner.because.author === undefined && because.author !== undefined)
    return `${by} is the owner's own`;
  return `${by} is ${winner.because.orderedAtMs > because.orderedAtMs ? 'later' : 'before it'}`;
}

function nameOf({ kind, id }: Because): string {
  return id === '' ? kind : `${kind} ${id}`;
}

const STRENGTH: Readonly<Record<Because['kind'], number>> = {
  pin: 0,
  request: 1,
  command: 2,
  rollout: 2,
  rule: 3,
  organic: 4,
};

function replacedSets(index: FleetIndex): ExplainedPlan['passed'][number][] {
  return index.rules.replaced.map(({ set, by }) => ({
    because: { kind: 'rule', id: set.name, author: set.author, orderedAtMs: set.orderedAtMs },
    why: `the whole set is replaced by the later one of ${by.author ?? 'the owner'}`,
  }));
}
