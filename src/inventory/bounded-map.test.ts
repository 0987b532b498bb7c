import { expect, test } from 'vitest';
import { mapBounded } from './bounded-map.ts';

test('mapBounded() never runs more at once than allowed and passes on every result', async () => {
  let running = 0;
  let most = 0;
  const work = async (item: number) => {
    running += 1;
    most = Math.max(most, running);
    for (let turn = 0; turn <= item % 3; turn += 1) await new Promise(setImmediate);
    running -= 1;
    return item * 2;
  };
  const results: number[] = [];
  for await (const result of mapBounded([...Array(50).keys()], 4, work)) results.push(result);
  expect(most).toBe(4);
  expect(results.sort((a, b) => a - b)).toEqual([...Array(50).keys()].map((item) => item * 2));
});

test('mapBounded() fails as the work fails and leaves no rejection behind', async () => {
  const work = (item: number) => (item === 3 ? Promise.reject(new Error('no')) : Promise.resolve(item));
  const all = async () => {
    for await (const _ of mapBounded([1, 2, 3, 4, 3], 2, work));
  };
  await expect(all()).rejects.toThrow('no');
});
