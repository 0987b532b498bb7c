/** Which differences, one after the other, lead from a base to a target; and when none is worth it. Pure. Spec: docs/spec/22-differences.md §5.6, §6. */
import type { Sha256 } from '../core/index.ts';
import { DELTA_LIMITS } from './limits.ts';

/** A difference that can be had. */
export interface DifferenceEdge {
  readonly base: Sha256;
  readonly target: Sha256;
  readonly sizeBytes: number;
}

/** Is a difference of this size better than the whole target? */
export function isWorthIt(sizeBytes: number, targetBytes: number): boolean {
  return sizeBytes <= mostDifferenceBytes(targetBytes);
}

export function mostDifferenceBytes(targetBytes: number): number {
  return Math.floor((targetBytes * DELTA_LIMITS.worthItPercent) / 100);
}

interface Way<Edge> {
  readonly sizeBytes: number;
  readonly edges: readonly Edge[];
}

/**
 * The way with the fewest bytes, of equal ones the shortest; undefined where at most 4 steps do not lead there.
 * Whether it is worth it the caller asks, who knows the target's size.
 */
export function planChain<Edge extends DifferenceEdge>(
  edges: readonly Edge[],
  base: Sha256,
  target: Sha256,
): readonly Edge[] | undefined {
  let best = new Map<Sha256, Way<Edge>>([[base, { sizeBytes: 0, edges: [] }]]);
  for (let step = 0; step < DELTA_LIMITS.chainLength; step += 1) {
    const next = new Map(best);
    for (const edge of edges) {
      const before = best.get(edge.base);
      if (before === undefined) continue;
      const sizeBytes = before.sizeBytes + edge.sizeBytes;
      const known = next.get(edge.target);
      if (known === undefined || sizeBytes < known.sizeBytes)
        next.set(edge.target, { sizeBytes, edges: [...before.edges, edge] });
    }
    best = next;
  }
  return best.get(target)?.edges;
}
