import { expect, test } from 'vitest';
import { isWithin } from './time-span.ts';

test.each([
  ['08:00-17:30', 479, false],
  ['08:00-17:30', 480, true],
  ['08:00-17:30', 1050, false],
  ['22:00-06:00', 1320, true],
  ['22:00-06:00', 0, true],
  ['22:00-06:00', 360, false],
  ['00:00-00:00', 77, true],
  ['12:00-12:00', 719, true],
  ['no span', 10, false],
])('%s at minute %i', (span, minute, isIn) => {
  expect(isWithin(span, minute)).toBe(isIn);
});
