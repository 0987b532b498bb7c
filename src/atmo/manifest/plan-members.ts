/** What a tier takes of a package, and how each file comes: docs/spec/21-packages.md §1.5, §11.3. Pure. */
import {
  type DeltaManifest,
  type DifferenceStep,
  isOfTier,
  type PackageManifest,
  type PackageMember,
  type PackageTier,
  packageMembers,
} from '../../protocol/index.ts';

export interface PlannedMember extends PackageMember {
  /** In this package whole, as differences to what the site has, or not at all: the site has it. */
  readonly how: 'full' | 'difference' | 'held';
  /** In order; of a difference only. */
  readonly differences: readonly DifferenceStep[];
}

/** In the manifest's order. Members that a difference package does not name come whole, or they are missing. */
export function planMembers(
  manifest: PackageManifest,
  tier: PackageTier | undefined,
  delta?: DeltaManifest,
): PlannedMember[] {
  const said = new Map(delta?.members.map((member) => [member.path, member]));
  return packageMembers(manifest)
    .filter((member) => tier === undefined || isOfTier(member, tier))
    .map((member) => {
      const { how = 'full', differences = [] } = said.get(member.path) ?? {};
      return { ...member, how, differences };
    });
}

/** The files of the package that it is made from. */
export function filesOfPlanned({ how, path, differences }: PlannedMember): readonly string[] {
  if (how === 'held') return [];
  return how === 'full' ? [path] : differences.map(({ delta_path }) => delta_path);
}

/** Tiers of which each member is there. */
export function completeTiers(
  manifest: PackageManifest,
  delta: DeltaManifest | undefined,
  hasFile: (path: string) => boolean,
): PackageTier[] {
  return manifest.package.tiers.filter((tier) => missingOf(manifest, tier, delta, hasFile).length === 0);
}

/** Members of a tier that cannot be had from this package. */
export function missingOf(
  manifest: PackageManifest,
  tier: PackageTier,
  delta: DeltaManifest | undefined,
  hasFile: (path: string) => boolean,
): string[] {
  const planned = planMembers(manifest, tier, delta);
  return planned.filter((member) => !filesOfPlanned(member).every(hasFile)).map(({ path }) => path);
}
