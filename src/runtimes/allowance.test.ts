import { expect, it } from 'vitest';
import { GiB, MiB } from '../core/index.ts';
import { allowanceFor } from './allowance.ts';

it.each([
  ['a small model on a large machine has the base', 2 * MiB, 64 * GiB, 60_117, GiB + 6 * MiB],
  ['a large one has more of both', 4 * GiB, 64 * GiB, 300_000, 13 * GiB],
  ['on a small machine four fifths are the end', 4 * GiB, 5 * GiB, 300_000, 4 * GiB],
])('allowanceFor(): %s', (_name, modelBytes, machineBytes, timeMs, memoryBytes) => {
  const allowed = allowanceFor(modelBytes, machineBytes);
  expect(allowed.timeMs).toBeCloseTo(timeMs, -1);
  expect(allowed.memoryBytes).toBe(memoryBytes);
});
