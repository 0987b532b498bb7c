/** What one source says of one model on one node, before it is known which source wins. */
import type { ModelManifest } from '../../protocol/index.ts';
import type { Because, Desired, Fit, Refusal } from '../types.ts';

export interface Candidate extends Pick<Desired, 'modelId' | 'presence' | 'manifest' | 'load' | 'priority'> {
  readonly because: Because;
  /** It may not say so, and stands behind every one that may. */
  readonly refusal?: Refusal | undefined;
  /** Where it was needed already. */
  readonly fit?: Fit | undefined;
}

/** A wish, or why there is none; `withholds` keeps a content from weaker sources too. */
export type Said =
  | { readonly candidate: Candidate }
  | { readonly why: string; readonly version: string | undefined; readonly withholds?: ModelManifest };

/** Why something is kept from this node, as far as stronger sources have said. */
export type Withheld = (manifest: ModelManifest) => Because | undefined;

/** Hears what all sources say, the strongest of each model first. */
export interface Listener {
  readonly withheldBy: Withheld;
  /** Nothing further on this model is wanted. */
  isDecided(modelId: string): boolean;
  hear(because: Because, modelId: string, said: Said): void;
  /** A rule that is not for this node; for explanations. */
  pass?(because: Because, why: string): void;
}

/** Why a node that replicas are spread over has none. */
export function elsewhere(count: number): string {
  return count === 1 ? 'its one replica is elsewhere' : `its ${count} replicas are elsewhere`;
}
