/** Which part of a package a device takes. Spec: docs/spec/21-packages.md §5. Pure. */
import { GB, MiB } from '../../core/index.ts';
import { compareTiers, type PackageTier } from '../../protocol/index.ts';
import { AtmoError } from '../errors.ts';

/** As a node tells of itself: MiB. */
export interface DeviceSize {
  readonly memoryMb: number;
  readonly vramMb: number;
  readonly cpuCores: number;
}

export function tierOf({ memoryMb, vramMb, cpuCores }: DeviceSize): PackageTier {
  const memory = memoryMb * MiB;
  const vram = vramMb * MiB;
  if (memory >= 16 * GB || vram >= 8 * GB) return 'tier_3';
  const isMedium = memory >= 4 * GB || vram >= 2 * GB || (cpuCores >= 4 && memory >= 3 * GB);
  return isMedium ? 'tier_2' : 'tier_1';
}

export interface ChosenTier {
  readonly tier: PackageTier;
  /** Why it is another one than was wanted. */
  readonly note?: string;
}

/** The wanted one of those that there are, else the next lower one. Throws AtmoError `tier_missing`. */
export function chooseTier(tiers: readonly PackageTier[], wanted: PackageTier): ChosenTier {
  const fitting = tiers.filter((tier) => compareTiers(tier, wanted) <= 0);
  const tier = fitting.toSorted(compareTiers).at(-1);
  if (tier === undefined) {
    const has = tiers.length === 0 ? 'none' : tiers.join(', ');
    throw new AtmoError('tier_missing', `Choosing a tier: ${wanted} or a lower one is wanted, the package has ${has}`, {
      data: { wanted, tiers },
    });
  }
  return tier === wanted ? { tier } : { tier, note: `it has no ${wanted}; ${tier} is the next lower one that it has` };
}
