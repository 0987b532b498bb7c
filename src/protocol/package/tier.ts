/** The three sizes of device that a package is made for, smallest first. Spec: docs/spec/21-packages.md §5. */
import { z } from 'zod';

export const PACKAGE_TIERS = ['tier_1', 'tier_2', 'tier_3'] as const;
export type PackageTier = (typeof PACKAGE_TIERS)[number];

export const tierSchema = z.enum(PACKAGE_TIERS);

/** Smallest first, each once. */
export const tiersSchema = z
  .array(tierSchema)
  .min(1)
  .max(PACKAGE_TIERS.length)
  .refine((tiers) => isGrowing(tiers), 'wanted each tier once, the smallest first');

/** `tier_1`, `tier1` and `1` as people write it; undefined for anything else. */
export function readTier(text: string): PackageTier | undefined {
  const digit = /^(?:tier[_-]?)?([1-3])$/i.exec(text)?.[1];
  return digit === undefined ? undefined : PACKAGE_TIERS[Number(digit) - 1];
}

export function compareTiers(a: PackageTier, b: PackageTier): number {
  return PACKAGE_TIERS.indexOf(a) - PACKAGE_TIERS.indexOf(b);
}

function isGrowing(tiers: readonly PackageTier[]): boolean {
  return tiers.every((tier, index) => index === 0 || compareTiers(tiers[index - 1] ?? tier, tier) < 0);
}
