import { expect, test } from 'vitest';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { NODE_LIMITS } from '../limits.ts';
import { StallWatch } from './stall-watch.ts';

const { differenceStallMs, differenceLeastRate } = NODE_LIMITS;

async function isStalledAfterFiveTimes(rateBytesPerSecond: number): Promise<boolean> {
  const clock = new VirtualClock();
  using watch = new StallWatch(clock);
  for (let part = 0; part < 10; part += 1) {
    await clock.advance(differenceStallMs / 2);
    watch.note({ receivedBytes: 0, rateBytesPerSecond });
  }
  return watch.signal.aborted;
}

test('a slow line on which a piece takes minutes is no stall, a drip is one', async () => {
  expect(await isStalledAfterFiveTimes(differenceLeastRate)).toBe(false);
  expect(await isStalledAfterFiveTimes(differenceLeastRate - 1)).toBe(true);
});

test('each whole piece is progress, whatever the rate', async () => {
  const clock = new VirtualClock();
  using watch = new StallWatch(clock);
  for (let pieces = 1; pieces < 10; pieces += 1) {
    await clock.advance(differenceStallMs - 1);
    watch.note({ receivedBytes: pieces, rateBytesPerSecond: 0 });
  }
  expect(watch.signal.aborted).toBe(false);
});
