import { expect, test } from 'vitest';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { NODE_LIMITS } from './limits.ts';
import { watchNetwork } from './network-watch.ts';

test('a change of the own addresses is told once, and none after the end', async () => {
  const clock = new VirtualClock();
  let addresses = '10.0.0.2/24';
  let changes = 0;
  const onChange = (): void => {
    changes += 1;
  };
  const stop = watchNetwork(clock, onChange, () => addresses);
  const lookTwice = async (): Promise<number> => {
    await clock.advance(2 * NODE_LIMITS.networkLookEveryMs);
    return changes;
  };
  expect(await lookTwice()).toBe(0);
  addresses = '10.0.0.77/24';
  expect(await lookTwice()).toBe(1);
  stop();
  addresses = '';
  expect(await lookTwice()).toBe(1);
});
