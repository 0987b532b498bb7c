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
      const twoOfOneSize = fc
        .nat(600)
        .chain((length) =>
          fc.tuple(
            fc.uint8Array({ minLength: length, maxLength: length }),
            fc.uint8Array({ minLength: length, maxLength: length }),
          ),
        );
      fc.assert(
        fc.property(twoOfOneSize, ([target, base]) => {
          const [from, to] = [inWords(base), inWords(target)];
          const laid = new Uint8Array(to.length);
          layOut(layout, target.length, to, from, laid);
          const back = new Uint8Array(to.length);
          putBack(layout, target.length, laid, from, back);
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
