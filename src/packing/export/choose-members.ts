/** Which files an export takes along. Pure. Spec: docs/spec/21-packages.md §14. */
import type { Sha256 } from '../../core/index.ts';
import {
  isOfTier,
  type PackageManifest,
  type PackageMember,
  type PackageTier,
  packageMembers,
} from '../../protocol/index.ts';
import { PackingError } from '../errors.ts';

export interface ChosenMembers {
  readonly members: readonly PackageMember[];
  readonly tiers: readonly PackageTier[];
}

/** Those of the tier, or of all tiers that are whole here; what the site has need not be. Throws PackingError `unknown_tier`, `incomplete_package`. */
export function chooseMembers(
  manifest: PackageManifest,
  sizeOf: (path: string) => number | undefined,
  tier: PackageTier | undefined,
  isHeld: (sha256: Sha256) => boolean = () => false,
): ChosenMembers {
  const { id, version, tiers } = manifest.package;
  const all = packageMembers(manifest);
  const missingOf = (one: PackageTier) =>
    all
      .filter((member) => isOfTier(member, one) && sizeOf(member.path) !== member.sizeBytes && !isHeld(member.sha256))
      .map(({ path }) => path);
  if (tier !== undefined && !tiers.includes(tier))
    throw new PackingError('unknown_tier', `Exporting ${id} ${version}: it has no ${tier}, it has ${tiers.join(', ')}`);
  const whole = (tier === undefined ? tiers : [tier]).filter((one) => missingOf(one).length === 0);
  if (whole.length === 0) throw incomplete(manifest, tier, missingOf(tier ?? tiers[0] ?? 'tier_1'));
  return { tiers: whole, members: all.filter((member) => whole.some((one) => isOfTier(member, one))) };
}

function incomplete(
  { package: { id, version } }: PackageManifest,
  tier: PackageTier | undefined,
  missing: readonly string[],
): PackingError {
  const what = missing.slice(0, TOLD).join(', ') + (missing.length > TOLD ? ` and ${missing.length - TOLD} more` : '');
  const of = tier === undefined ? 'no tier of it is whole here' : `${tier} is not whole here`;
  return new PackingError('incomplete_package', `Exporting ${id} ${version}: ${of}, ${what} is missing`, {
    data: { missing },
  });
}

const TOLD = 3;
