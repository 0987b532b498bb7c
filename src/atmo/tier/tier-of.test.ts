import { expect, test } from 'vitest';
import type { PackageTier } from '../../protocol/index.ts';
import { vectorCases } from '../../testkit/vectors.ts';
import { chooseTier, tierOf } from './tier-of.ts';

interface DeviceCase {
  readonly name: string;
  readonly device: { readonly memory_mb: number; readonly vram_mb: number; readonly cpu_cores: number };
  readonly tier: PackageTier;
}

test.each(vectorCases<DeviceCase>('packages', 'tiers.json'))('%s', (_name, { device, tier }) => {
  const { memory_mb: memoryMb, vram_mb: vramMb, cpu_cores: cpuCores } = device;
  expect(tierOf({ memoryMb, vramMb, cpuCores })).toBe(tier);
});

test('a package that has the tier gives it', () => {
  expect(chooseTier(['tier_1', 'tier_2', 'tier_3'], 'tier_2')).toEqual({ tier: 'tier_2' });
});

test('a package that has it not gives the next lower one, and says so', () => {
  expect(chooseTier(['tier_1', 'tier_2'], 'tier_3')).toEqual({
    tier: 'tier_2',
    note: 'it has no tier_3; tier_2 is the next lower one that it has',
  });
  expect(chooseTier(['tier_1', 'tier_3'], 'tier_2').tier).toBe('tier_1');
});

test.each([[['tier_2', 'tier_3']], [[]]])('of %j nothing is for the smallest devices', (tiers) => {
  expect(() => chooseTier(tiers as PackageTier[], 'tier_1')).toThrow(
    expect.objectContaining({ code: 'tier_missing', data: { wanted: 'tier_1', tiers } }),
  );
});
