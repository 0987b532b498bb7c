/** The Range header as a decision. Pure. Spec: docs/spec/05-http.md §3 no. 5. */

/** Bytes [start, end). */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

export type RangePlan =
  | { readonly kind: 'whole' }
  | { readonly kind: 'parts'; readonly parts: readonly ByteSpan[] }
  | { readonly kind: 'unsatisfiable' };

const UNIT = /^bytes=/i;
const SPEC = /^(?:(\d+)-(\d*)|-(\d+))$/;

/** What to send of `sizeBytes` bytes: everything, these parts in this order, or 416. */
export function planRanges(header: string | undefined, sizeBytes: number, maxRanges: number): RangePlan {
  if (header === undefined || !UNIT.test(header)) return { kind: 'whole' };
  const specs = header
    .slice('bytes='.length)
    .split(',', maxRanges * 2 + 1)
    .map((text) => text.trim())
    .filter((text) => text !== '');
  if (specs.length === 0 || specs.length > maxRanges) return { kind: 'whole' };
  const spans: ByteSpan[] = [];
  for (const spec of specs) {
    const span = parseSpec(spec, sizeBytes);
    if (span === 'invalid') return { kind: 'whole' };
    if (span !== 'unsatisfiable') spans.push(span);
  }
  if (spans.length === 0) return { kind: 'unsatisfiable' };
  // The suffix of an empty file is all of it, which no Content-Range can say.
  if (spans.some((span) => span.start === span.end)) return { kind: 'whole' };
  return { kind: 'parts', parts: coalesce(spans) };
}

function parseSpec(spec: string, sizeBytes: number): ByteSpan | 'invalid' | 'unsatisfiable' {
  const match = SPEC.exec(spec);
  if (match === null) return 'invalid';
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    const wanted = Number(suffix);
    return wanted === 0 ? 'unsatisfiable' : { start: Math.max(0, sizeBytes - wanted), end: sizeBytes };
  }
  const start = Number(first);
  const end = last === '' || last === undefined ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (last !== '' && isBefore(last ?? '', first ?? '')) return 'invalid';
  return start >= sizeBytes ? 'unsatisfiable' : { start, end };
}

/** Compares decimal digits of any length, beyond what a number holds exactly. */
function isBefore(left: string, right: string): boolean {
  return BigInt(left) < BigInt(right);
}

/** Joins spans that overlap or touch; what is joined stands where its earliest member was asked for. */
function coalesce(spans: readonly ByteSpan[]): readonly ByteSpan[] {
  const joined: ByteSpan[] = [];
  for (const span of spans) {
    let { start, end } = span;
    let place = joined.length;
    for (let index = joined.length - 1; index >= 0; index -= 1) {
      const held = joined[index];
      if (held === undefined || held.end < start || held.start > end) continue;
      start = Math.min(start, held.start);
      end = Math.max(end, held.end);
      joined.splice(index, 1);
      place = index;
    }
    joined.splice(place, 0, { start, end });
  }
  return joined;
}
