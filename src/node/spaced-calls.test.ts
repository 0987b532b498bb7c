import { expect, test } from 'vitest';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { SpacedCalls } from './spaced-calls.ts';

test('the first call acts at once, those within the pause once at its end', async () => {
  const clock = new VirtualClock();
  const acts: number[] = [];
  const startMs = clock.monotonicMs();
  const calls = new SpacedCalls(clock, 100, () => acts.push(clock.monotonicMs() - startMs));
  calls.call();
  calls.call();
  calls.call();
  expect(acts).toEqual([0]);
  await clock.advance(100);
  expect(acts).toEqual([0, 100]);
  await clock.advance(500);
  calls.call();
  expect(acts).toEqual([0, 100, 600]);
  calls.call();
  calls[Symbol.dispose]();
  await clock.advance(500);
  expect(acts).toHaveLength(3);
});
