import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatRate, parseRate } from './rate-value.ts';

test.each([
  ['5Mbps', 625_000],
  ['5mbps', 625_000],
  ['2.5 Mbit/s', 312_500],
  ['1 Gbps', 125_000_000],
  ['500 kB/s', 500_000],
  ['500kb/s', 62_500],
  ['2MiB/s', 2 * 1024 * 1024],
  ['64000bps', 8000],
  [' unlimited ', Number.POSITIVE_INFINITY],
  ['Unlimited', Number.POSITIVE_INFINITY],
])('parseRate() of %j', (text, rate) => {
  expect(parseRate(text)).toBe(rate);
});

test.each(['', '5', '5M', 'fast', '-5Mbps', '5MBps', '5MB', '5 Mbps please', '1e3Mbps', '5Tbps', 'Infinity'])(
  'parseRate() refuses %j and says what it wanted',
  (text) => {
    expect(() => parseRate(text)).toThrow(expect.objectContaining({ code: 'bad_rate', kind: 'usage' }));
    expect(() => parseRate(text)).toThrow(/wanted a rate like 5Mbps, 500 kB\/s, 2MiB\/s or unlimited/);
  },
);

test.each(['0Mbps', '1kbps', '7999B/s'])('parseRate() refuses %j, which is a stall and not a rate', (text) => {
  expect(() => parseRate(text)).toThrow(/slower than 64kbps .* pause/);
});

test('formatRate() writes what parseRate() reads', () => {
  fc.assert(
    fc.property(fc.integer({ min: 64, max: 10_000_000 }), (kilobits) => {
      const rate = (kilobits * 1000) / 8;
      expect(Math.abs(parseRate(formatRate(rate)) - rate) / rate).toBeLessThan(1e-5);
    }),
  );
  expect(formatRate(parseRate('unlimited'))).toBe('unlimited');
  expect(formatRate(625_000)).toBe('5Mbps');
});
