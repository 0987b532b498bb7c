/** What an operator sees of differences, as numbers that only grow. Spec: docs/spec/22-differences.md §7.7. */

/** Why a file came whole after a difference was looked for. */
export type DifferenceEnd = 'none_offered' | 'not_worth_it' | 'wrong' | 'failed';

export class DifferenceCounts {
  /** Of this node for others. */
  made = 0;
  madeBytes = 0;
  makeFailed = 0;
  /** Questions that would have had one made, and were refused. */
  refused = 0;
  /** Files that came as a difference. */
  applied = 0;
  /** What of it travelled, and what would have. */
  fetchedBytes = 0;
  savedBytes = 0;
  readonly #ends = new Map<DifferenceEnd, number>();

  noteEnd(end: DifferenceEnd): void {
    this.#ends.set(end, (this.#ends.get(end) ?? 0) + 1);
  }

  ends(): ReadonlyMap<DifferenceEnd, number> {
    return this.#ends;
  }
}
