import { describe, expect, test } from 'vitest';
import type { Sha256 } from '../core/index.ts';
import { type DifferenceEdge, isWorthIt, planChain } from './plan-chain.ts';

const name = (text: string) => text as Sha256;

function edges(...texts: string[]): DifferenceEdge[] {
  return texts.map((text) => {
    const [base = '', target = '', size = ''] = text.split(' ');
    return { base: name(base), target: name(target), sizeBytes: Number(size) };
  });
}

const shown = (chain: readonly DifferenceEdge[] | undefined) =>
  chain?.map(({ base, target }) => `${base}${target}`).join(' ');

describe('planChain()', () => {
  test('takes the way with the fewest bytes, of equal ones the shorter', () => {
    const known = edges('a d 100', 'a b 10', 'b c 10', 'c d 10', 'b d 20', 'd a 1');
    expect(shown(planChain(known, name('a'), name('d')))).toBe('ab bd');
  });

  test('goes four steps and no more', () => {
    const known = edges('a b 1', 'b c 1', 'c d 1', 'd e 1', 'e f 1');
    expect(shown(planChain(known, name('a'), name('e')))).toBe('ab bc cd de');
    expect(planChain(known, name('a'), name('f'))).toBeUndefined();
    expect(shown(planChain([...known, ...edges('a c 50')], name('a'), name('f')))).toBe('ac cd de ef');
  });

  test('goes no way to where nothing leads, and none to where one is', () => {
    expect(planChain(edges('a b 1', 'c d 1'), name('a'), name('d'))).toBeUndefined();
    expect(planChain([], name('a'), name('a'))).toEqual([]);
  });

  test('is not led round in circles', () => {
    const known = edges('a b 5', 'b a 0', 'b c 5', 'a c 11');
    expect(shown(planChain(known, name('a'), name('c')))).toBe('ab bc');
  });
});

describe('isWorthIt()', () => {
  test('up to 70 % of the target', () => {
    expect([isWorthIt(70, 100), isWorthIt(71, 100), isWorthIt(1, 0)]).toEqual([true, false, false]);
  });
});
