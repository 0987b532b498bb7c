import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type HaveState, planHaveNews } from './have-news.ts';

const PIECES = 20;
const hasBit = (bits: Uint8Array, index: number): boolean => ((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
const setBit = (bits: Uint8Array, index: number): void => {
  bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7));
};
const bits = (...indexes: number[]): Uint8Array => {
  const made = new Uint8Array(3);
  for (const index of indexes) setBit(made, index);
  return made;
};
const state = (held: HaveState['held'], sent = bits(), others = 0): HaveState => ({ held, sent, others });

test.each<[string, HaveState | undefined, HaveState, object[]]>([
  ['the whole at first', undefined, state('all'), [{ type: 'holds_all' }, { type: 'others', count: 0 }]],
  [
    'a part at first, with what was sent',
    undefined,
    state(bits(1), bits(1), 2),
    [
      { type: 'holds', bits: bits(1) },
      { type: 'sent', indexes: [1] },
      { type: 'others', count: 2 },
    ],
  ],
  ['nothing when nothing changed', state(bits(1), bits(1)), state(bits(1), bits(1)), []],
  ['gains by number', state(bits(1)), state(bits(1, 2, 17)), [{ type: 'gained', indexes: [2, 17] }]],
  ['a loss by the whole state', state(bits(1, 2)), state(bits(2, 3)), [{ type: 'holds', bits: bits(2, 3) }]],
  ['the last piece and its end', state(bits(1)), state('all'), [{ type: 'holds_all' }]],
  ['a whole that is lost', state('all'), state(bits(0)), [{ type: 'holds', bits: bits(0) }]],
  ['what is sent beyond', state('all', bits(4)), state('all', bits(4, 5)), [{ type: 'sent', indexes: [5] }]],
  ['somebody who left', state('all', bits(), 2), state('all', bits(), 1), [{ type: 'others', count: 1 }]],
])('planHaveNews() tells %s', (_what, told, now, frames) => {
  expect(planHaveNews(told, now)).toEqual(frames);
});

test('who heard all news knows what is so, whatever changed between two of them', () => {
  const some = fc.uniqueArray(fc.nat(PIECES - 1)).map((indexes) => bits(...indexes));
  const any = fc.record({ held: fc.oneof(fc.constant('all' as const), some), sent: some, others: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(any, { minLength: 1 }), (states) => {
      let told: HaveState | undefined;
      let known: { held: Set<number>; others: number } = { held: new Set(), others: -1 };
      for (const now of states) {
        for (const frame of planHaveNews(told, now)) {
          if (frame.type === 'holds_all') known = { ...known, held: new Set(Array(PIECES).keys()) };
          if (frame.type === 'holds')
            known = { ...known, held: new Set([...Array(PIECES).keys()].filter((at) => hasBit(frame.bits, at))) };
          if (frame.type === 'gained') for (const index of frame.indexes) known.held.add(index);
          if (frame.type === 'others') known.others = frame.count;
        }
        told = now;
        const held = [...Array(PIECES).keys()].filter((at) => now.held === 'all' || hasBit(now.held, at));
        expect([[...known.held].sort((a, b) => a - b), known.others]).toEqual([held, now.others]);
      }
    }),
  );
});
