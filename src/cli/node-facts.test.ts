import { describe, expect, test } from 'vitest';
import {
  factsOf,
  parseArchitecture,
  parseInterest,
  parseLabel,
  parseMaxModelSize,
  parseMaxModels,
  parseMemory,
  parseRegion,
  parseTier,
} from './node-facts.ts';

describe('flags of up that say what a node is', () => {
  test('are read, and `none` takes back', () => {
    expect(parseRegion('eu-west')).toBe('eu-west');
    expect(parseLabel('hall=7=b')).toEqual(['hall', '7=b']);
    expect(parseLabel('empty=')).toEqual(['empty', '']);
    expect(parseInterest('audio')).toBe('audio');
    expect(parseMaxModelSize('100MB')).toBe(96);
    expect(parseMaxModelSize('1GiB')).toBe(1024);
    expect(parseMaxModels('0')).toBe(0);
    expect([parseMemory('256MiB'), parseArchitecture('AArch64')]).toEqual([256, 'aarch64']);
    expect(['tier_2', 'tier2', '2'].map(parseTier)).toEqual(['tier_2', 'tier_2', 'tier_2']);
    const words = [parseRegion, parseLabel, parseInterest, parseArchitecture, parseTier];
    const amounts = [parseMaxModelSize, parseMaxModels, parseMemory];
    for (const parse of [...words, ...amounts]) expect(parse('none')).toBeNull();
  });

  test.each([
    ['an empty region', () => parseRegion('')],
    ['a region of two words', () => parseRegion('eu west')],
    ['a label without =', () => parseLabel('hall')],
    ['a label without a name', () => parseLabel('=7')],
    ['a label with a long value', () => parseLabel(`a=${'x'.repeat(101)}`)],
    ['two interests in one', () => parseInterest('a,b')],
    ['a size that is none', () => parseMaxModelSize('large')],
    ['a negative number', () => parseMaxModels('-1')],
    ['an architecture of two words', () => parseArchitecture('x86 64')],
    ['a tier that there is not', () => parseTier('tier_4')],
  ])('%s is refused', (_name, parse) => {
    expect(parse).toThrowError(expect.objectContaining({ code: 'bad_usage' }));
  });

  test('become what the daemon is told; what was not said is not there', () => {
    expect(factsOf({})).toBeUndefined();
    expect(factsOf({ region: null, label: [['a', '1']], interest: ['x', 'x'], maxModels: 3 })).toEqual({
      ...{ region: null, labels: { a: '1' }, interests: ['x'], maxModels: 3 },
    });
    expect(factsOf({ label: [null], interest: [null] })).toEqual({ labels: null, interests: null });
  });

  test('none beside others is refused', () => {
    expect(() => factsOf({ interest: ['a', null] })).toThrowError(expect.objectContaining({ code: 'bad_usage' }));
  });
});
