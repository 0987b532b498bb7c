import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planRanges } from './byte-ranges.ts';

interface Case {
  readonly name: string;
  readonly size: number;
  readonly range: string | null;
  readonly max_ranges?: number;
  readonly answer: string;
  readonly parts?: readonly (readonly [number, number])[];
}

const file = new URL('../../vectors/http/ranges.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: readonly Case[] };

describe('planRanges() keeps to vectors/http/ranges.json', () => {
  it.each(cases)('$name', ({ size, range, max_ranges = 64, answer, parts }) => {
    const plan = planRanges(range ?? undefined, size, max_ranges);
    expect(plan.kind).toBe(answer);
    if (plan.kind === 'parts') expect(plan.parts.map(({ start, end }) => [start, end - 1])).toEqual(parts);
  });
});

const spec = fc.oneof(
  fc
    .tuple(fc.nat(60), fc.nat(60))
    .map(([first, more]) => ({ text: `${first}-${first + more}`, first, last: first + more })),
  fc.nat(60).map((first) => ({ text: `${first}-`, first, last: Number.POSITIVE_INFINITY })),
);

describe('planRanges()', () => {
  it('covers exactly the bytes asked for, each once, whatever is asked', () => {
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 20 }), fc.nat(50), (specs, size) => {
        const plan = planRanges(`bytes=${specs.map(({ text }) => text).join(',')}`, size, 20);
        const sent = plan.kind === 'parts' ? plan.parts : [];
        const times = Array.from(
          { length: size },
          (_, at) => sent.filter((part) => at >= part.start && at < part.end).length,
        );
        const wanted = times.map((_, at) => (specs.some(({ first, last }) => at >= first && at <= last) ? 1 : 0));
        expect(times).toEqual(wanted);
        expect(plan.kind).toBe(wanted.includes(1) ? 'parts' : 'unsatisfiable');
      }),
    );
  });

  it('never fails, whatever the header says', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (text, size) => {
        for (const header of [text, `bytes=${text}`])
          expect(['whole', 'parts', 'unsatisfiable']).toContain(planRanges(header, size, 8).kind);
      }),
    );
  });
});
