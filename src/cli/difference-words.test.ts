import { expect, test } from 'vitest';
import { describeDifference, differenceBytes } from './difference-words.ts';

const share = { bytes: 10, total_bytes: 40, instead_of_bytes: 700 };

test.each([
  ['making', 'a peer makes the difference to what is here'],
  ['fetching', 'difference: 40 B instead of 700 B'],
  ['applying', 'difference: 40 B instead of 700 B, being applied'],
  ['applied', 'difference: 40 B instead of 700 B'],
] as const)('describeDifference() of one %s', (state, words) => {
  expect(describeDifference({ difference: { ...share, state } })).toBe(words);
});

test('what there is to wait for is the difference while it comes, and the file before and after', () => {
  const transfer = { bytes_downloaded: 200, size_bytes: 1000 };
  const whole = { doneBytes: 200, totalBytes: 1000 };
  expect(differenceBytes(transfer)).toEqual(whole);
  expect(differenceBytes({ ...transfer, difference: { ...share, state: 'applying' } })).toEqual(whole);
  expect(differenceBytes({ ...transfer, difference: { ...share, state: 'fetching' } })).toEqual({
    ...{ doneBytes: 210, totalBytes: 340 },
  });
});
