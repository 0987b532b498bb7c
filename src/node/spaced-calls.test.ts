import { expect, test } from 'vitest';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { SpacedCalls } from './spaced-calls.ts';

test('a few calls act at once, those that follow together at intervals, and after a rest a few at once again', async () => {
  const clock = new VirtualClock();
  const acts: number[] = [];
  const startMs = clock.monotonicMs();
  const act = (): void => void acts.push(clock.monotonicMs() - startMs);
  const calls = new SpacedCalls({ clock, burst: 2, everyMs: 100, act });
  for (let count = 0; count < 5; count += 1) calls.call();
  expect(acts).toEqual([0, 0]);
  await clock.advance(100);
  expect(acts).toEqual([0, 0, 100]);
  await clock.advance(300);
  expect(acts).toHaveLength(3);
  for (let count = 0; count < 5; count += 1) calls.call();
  expect(acts).toEqual([0, 0, 100, 400, 400]);
  calls[Symbol.dispose]();
  await clock.advance(500);
  expect(acts).toHaveLength(5);
});
