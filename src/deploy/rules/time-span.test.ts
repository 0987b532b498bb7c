import { expect, test } from 'vitest';
import { isWithin, minutesToChange } from './time-span.ts';

test.each([
  ['08:00-17:30', 479, false, 1],
  ['08:00-17:30', 480, true, 570],
  ['08:00-17:30', 1050, false, 870],
  ['22:00-06:00', 1320, true, 480],
  ['22:00-06:00', 0, true, 360],
  ['22:00-06:00', 360, false, 960],
  ['00:00-00:00', 77, true, undefined],
  ['12:00-12:00', 719, true, undefined],
  ['no span', 10, false, undefined],
])('%s at minute %i', (span, minute, isIn, next) => {
  expect(isWithin(span, minute)).toBe(isIn);
  expect(minutesToChange(span, minute)).toBe(next);
});
