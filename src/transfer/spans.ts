/** Sets of pieces as sorted, disjoint, non-adjacent spans: what is missing is a handful of them, however large the blob. */
export interface Span {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

export function countPieces(spans: readonly Span[]): number {
  return spans.reduce((sum, span) => sum + span.end - span.first, 0);
}

/** The spans with `added`, which none of them has yet, merged in. */
export function addSpan(spans: readonly Span[], added: Span): Span[] {
  if (added.end <= added.first) return [...spans];
  const before = spans.filter((span) => span.end < added.first);
  const after = spans.filter((span) => span.first > added.end);
  const touching = spans.slice(before.length, spans.length - after.length);
  const first = Math.min(added.first, touching[0]?.first ?? added.first);
  const end = Math.max(added.end, touching.at(-1)?.end ?? added.end);
  return [...before, { first, end }, ...after];
}

/** Takes up to `count` pieces off the front: the taken span and the rest. */
export function takeFirst(spans: readonly Span[], count: number): { taken: Span; rest: Span[] } | undefined {
  const [head, ...others] = spans;
  if (head === undefined) return undefined;
  const end = Math.min(head.end, head.first + count);
  const taken = { first: head.first, end };
  return { taken, rest: end === head.end ? others : [{ first: end, end: head.end }, ...others] };
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
