import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { StoredDifference } from './differences.ts';
import { openRegistry, type Registry } from './registry.ts';
import { digestOf } from './testing/local-model.ts';

let folder: string;
let registry: Registry;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atmosphere-differences-'));
  registry = openRegistry(join(folder, 'atmosphere.sqlite'));
});

afterEach(async () => {
  registry.close();
  await rm(folder, { recursive: true });
});

const one: StoredDifference = {
  ...{ base: digestOf('a'), target: digestOf('c'), sha256: digestOf('ac'), sizeBytes: 9, madeAtMs: 1, usedAtMs: 5 },
  ...{ baseModels: ['org/a'], targetModels: ['org/a', 'org/b'] },
};
const other = { ...one, base: digestOf('b'), sha256: digestOf('bc'), sizeBytes: 3, madeAtMs: 2, usedAtMs: 6 };

it('keeps differences over a restart: to a target the smallest first, in all those unused for longest first', () => {
  registry.differences.put(one);
  registry.differences.put(other);
  registry.close();
  registry = openRegistry(join(folder, 'atmosphere.sqlite'));
  expect(registry.differences.to(one.target)).toEqual([other, one]);
  expect(registry.differences.list()).toEqual([one, other]);
  expect(registry.differences.get(one.base, one.target)).toEqual(one);
});

it('knows when one was used, and forgets one', () => {
  registry.differences.put(one);
  registry.differences.put(other);
  registry.differences.touch(one.base, one.target, 7);
  expect(registry.differences.list()).toEqual([other, { ...one, usedAtMs: 7 }]);
  expect(registry.differences.delete(one.base, one.target)).toBe(true);
  expect(registry.differences.delete(one.base, one.target)).toBe(false);
  expect(registry.differences.get(one.base, one.target)).toBeUndefined();
});
