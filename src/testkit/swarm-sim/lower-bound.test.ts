import { expect, it } from 'vitest';
import { lowerBound } from './lower-bound.ts';

const always = [{ fromMs: 0, toMs: Number.POSITIVE_INFINITY }];

it('is the formula of Kumar and Ross where nobody leaves', () => {
  const nodes = [20, 30, 50].map((downBytesPerMs) => ({ upBytesPerMs: 5, downBytesPerMs, online: always }));
  expect(lowerBound(1000, 40, nodes)).toEqual({ ms: 3000 / 55, seederMs: 25, slowestMs: 50, togetherMs: 3000 / 55 });
});

it('leaves out what a node could have received or sent while it was away', () => {
  const away = [
    { fromMs: 0, toMs: 10 },
    { fromMs: 110, toMs: Number.POSITIVE_INFINITY },
  ];
  const node = { upBytesPerMs: 10, downBytesPerMs: 20, online: away };
  const bound = lowerBound(1000, 10, [node]);
  // 200 bytes received before it left, 800 after it came back.
  expect(bound.slowestMs).toBe(150);
  // 200 bytes while both could send, 800 by the seeder alone until 90 ms later.
  expect(bound.togetherMs).toBe(90);
});
