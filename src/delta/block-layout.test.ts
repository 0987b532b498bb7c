import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Layout, layOut, putBack } from './block-layout.ts';

const LAYOUTS: readonly Layout[] = [
  ...[1, 2, 3, 4, 8, 18, 34, 255].flatMap((width) => [
    { kind: 'planes' as const, width, argument: 0 },
    { kind: 'xor' as const, width, argument: 0 },
  ]),
  ...[2, 4].map((width) => ({ kind: 'planes' as const, width, argument: 1 })),
  ...[1, 2, 4].map((width) => ({ kind: 'step' as const, width, argument: 0 })),
  ...[1, 2, 4].map((width) => ({ kind: 'sparse' as const, width, argument: 0 })),
  ...[0, 7, 8].map((argument) => ({ kind: 'grouped' as const, width: 2, argument })),
  ...[0, 23, 24].map((argument) => ({ kind: 'grouped' as const, width: 4, argument })),
];

/** Room for the last word, as slots have it. */
function inWords(bytes: Uint8Array): Uint8Array {
  const roomy = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  roomy.set(bytes);
  return roomy;
}

describe('layOut()', () => {
  test.each(LAYOUTS.map((layout) => [`${layout.kind} ${layout.width} ${layout.argument}`, layout] as const))(
    '%s is put back, whatever the bytes',
    (_name, layout) => {
      const bytes = fc.uint8Array({ maxLength: 600 });
      const twoOfOneSize = fc.tuple(bytes, bytes).map(([one, other]) => {
        const target = Uint8Array.from(one, (byte, at) => other[at] ?? byte);
        return [target, one] as const;
      });
      // Mostly alike, as it is after training.
      const twoAlike = fc
        .tuple(fc.uint8Array({ minLength: 64, maxLength: 9000 }), fc.array(fc.nat(), { maxLength: 8 }))
        .map(([base, places]) => {
          const target = base.slice();
          for (const place of places) target[place % target.length] = place >> 8;
          return [target, base] as const;
        });
      fc.assert(
        fc.property(fc.oneof(twoOfOneSize, twoAlike), ([target, base]) => {
          const [from, to] = [inWords(base), inWords(target)];
          const laid = new Uint8Array(to.length);
          const laidBytes = layOut(layout, target.length, to, from, laid);
          if (laidBytes === undefined) return;
          const back = new Uint8Array(to.length);
          putBack(layout, target.length, laid.subarray(0, laidBytes), from, back);
          expect(back.subarray(0, target.length)).toEqual(target);
        }),
      );
    },
  );

  const pairs = (...values: number[]) => new Uint8Array(Uint16Array.from(values).buffer);

  test('a step of one unit either way is 2 or 1, across carries too', () => {
    const laid = new Uint8Array(8);
    layOut({ kind: 'step', width: 2, argument: 0 }, 8, pairs(0x100, 0xff, 7, 0), pairs(0xff, 0x100, 7, 0xffff), laid);
    expect([...laid]).toEqual([2, 1, 0, 2, 0, 0, 0, 0]);
  });

  test('sparse steps are a count, gaps and planes; more than one in 8 are none', () => {
    const [base, target] = [new Uint16Array(1000), new Uint16Array(1000)];
    for (const [at, value] of [
      [3, 1],
      [4, 0xffff],
      [700, 0x100],
    ] as const)
      target[at] = value;
    const [from, to, laid] = [new Uint8Array(base.buffer), new Uint8Array(target.buffer), new Uint8Array(2000)];
    const laidBytes = layOut({ kind: 'sparse', width: 2, argument: 0 }, 2000, to, from, laid);
    const gaps = [3, 0, 255, 255, 695 - 510];
    expect([...laid.subarray(0, laidBytes)]).toEqual([3, 0, 0, 0, ...gaps, 2, 1, 0, 0, 0, 2]);
    expect(layOut({ kind: 'sparse', width: 2, argument: 0 }, 2000, to.fill(1), from, laid)).toBeUndefined();
  });

  test('groups stand in the order of the base’s keys, elements in theirs', () => {
    const laid = new Uint8Array(8);
    const base = pairs(0x180, 0x80, 0x180, 0x80);
    layOut({ kind: 'grouped', width: 2, argument: 7 }, 8, pairs(0x181, 0x82, 0x183, 0x84), base, laid);
    expect([...laid]).toEqual([4, 8, 2, 6, 0, 0, 0, 0]);
  });

  test('a rotated element has its exponent in the high byte', () => {
    const laid = new Uint8Array(4);
    layOut({ kind: 'planes', width: 2, argument: 1 }, 4, pairs(0xbf80, 0x3f81), pairs(0, 0), laid);
    expect([...laid]).toEqual([1, 2, 0x7f, 0x7f]);
  });
});
