import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import { type Golden, goldenOf, parseGolden } from './golden.ts';
import { RUNTIMES_LIMITS } from './limits.ts';

interface GoldenCase {
  readonly name: string;
  readonly golden: unknown;
  readonly wanted?: Golden;
  readonly refused?: string;
}

describe('golden values', () => {
  test.each(vectorCases<GoldenCase>('golden'))('%s', (_name, { golden, wanted, refused }) => {
    if (refused === undefined) expect(parseGolden(golden)).toEqual(wanted);
    else expect(() => parseGolden(golden)).toThrowError(expect.objectContaining({ code: refused }));
  });

  it('are of the metadata first, of the config else, or none', () => {
    const [one, two] = [1, 2].map((value) => ({ inputs: { X: [value] } }));
    expect(goldenOf({ metadata: { golden: one }, config: { golden: two } })?.inputs.X?.data).toEqual([1]);
    expect(goldenOf({ metadata: {}, config: { golden: two } })?.inputs.X?.data).toEqual([2]);
    expect(goldenOf({ metadata: { golden: null }, config: {} })).toBeUndefined();
  });

  it('are bounded, in one tensor and in all together', () => {
    const half = new Array<number>(RUNTIMES_LIMITS.goldenValues / 2 + 1).fill(0);
    expect(() => parseGolden({ inputs: { X: half, Y: half } })).toThrowError(/at most 65536 values/);
    expect(() => parseGolden({ inputs: { X: [...half, ...half] } })).toThrowError(/at most 65536 values/);
    expect(() => parseGolden({ inputs: { X: new Array(40).fill(new Array(40).fill(half)) } })).toThrowError(/at most/);
  });

  it('of any sort are read, or refused as what they are', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        try {
          for (const { shape, data } of Object.values(parseGolden({ inputs: { X: value } }).inputs))
            expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'bad_golden' });
        }
      }),
      { numRuns: 300 },
    );
  });
});
