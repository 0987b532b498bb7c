/** Sets of pieces as sorted, disjoint, non-adjacent spans: what is missing is a handful of them, however large the blob. */
export interface Span {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

/** Spans of the indexes below `length` for which `has` is false. */
export function spansOfMissing(length: number, has: (index: number) => boolean): Span[] {
  const spans: Span[] = [];
  let first = -1;
  for (let index = 0; index <= length; index += 1) {
    const missing = index < length && !has(index);
    if (missing && first < 0) first = index;
    if (missing || first < 0) continue;
    spans.push({ first, end: index });
    first = -1;
  }
  return spans;
}
