import { expect, it } from 'vitest';
import { GiB, MiB } from '../core/index.ts';
import { allowanceFor } from './allowance.ts';

it.each<[string, number, number, number, number, number?]>([
  ['a small model on a large machine has the base', 2 * MiB, 64 * GiB, 60_117, GiB + 6 * MiB],
  ['a large one has more of both', 4 * GiB, 64 * GiB, 300_000, 13 * GiB],
  ['one that is said to need more may have that', 2 * MiB, 64 * GiB, 60_117, 9 * GiB, 8 * GiB],
  ['on a small machine four fifths are the end', 4 * GiB, 5 * GiB, 300_000, 4 * GiB],
])('allowanceFor(): %s', (_name, modelBytes, machineBytes, timeMs, memoryBytes, neededBytes = 0) => {
  const allowed = allowanceFor(modelBytes, machineBytes, neededBytes);
  expect(allowed.timeMs).toBeCloseTo(timeMs, -1);
  expect(allowed.memoryBytes).toBe(memoryBytes);
});
