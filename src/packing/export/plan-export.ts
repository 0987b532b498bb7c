/** What an export writes: which files, where their bytes are, and what it is called. Spec: docs/spec/21-packages.md §14. */
import { AtmoError, completeTiers, type MemberToWrite } from '../../atmo/index.ts';
import type { Sha256 } from '../../core/index.ts';
import {
  type DeltaManifest,
  digestOf,
  PACKAGE_FILES,
  type PackageManifest,
  type PackageMember,
  type PackageTier,
  packageMembers,
  packageName,
  parseDeltaManifest,
  parsePackageManifest,
} from '../../protocol/index.ts';
import { PackingError } from '../errors.ts';
import { chooseMembers } from './choose-members.ts';
import type { Stock } from './stock.ts';

export interface ExportPlan {
  /** `line-v1.3-tier1`: of a folder; of a file with `.atmo` behind it. */
  readonly name: string;
  readonly manifest: PackageManifest;
  readonly tiers: readonly PackageTier[];
  /** `delta.yaml` first, where there is one. */
  readonly members: readonly MemberToWrite[];
}

/** Of packages that are whole: those members of a tier, or of all tiers that are here. Throws PackingError. */
export function planWhole(stock: Stock, tier: PackageTier | undefined): ExportPlan {
  const manifest = parsePackageManifest(stock.manifest);
  const { members, tiers } = chooseMembers(manifest, stock.sizeOf, tier);
  return {
    ...{ name: nameOf(manifest, tiers), manifest, tiers },
    members: members.map((member) => toMember(stock, member)),
  };
}

/** A difference goes on as it is. Throws PackingError `incomplete_package` where something else is wanted of it. */
export async function planAgain(stock: Stock, deltaBytes: Buffer, tier: PackageTier | undefined): Promise<ExportPlan> {
  const manifest = parsePackageManifest(stock.manifest);
  const delta = parseDeltaManifest(deltaBytes);
  if (tier !== undefined)
    throw new PackingError(
      'incomplete_package',
      `Exporting ${tier} of ${stock.name}: it is a difference, which goes on as it is or not at all`,
    );
  const tiers = completeTiers(manifest, delta, (path) => stock.sizeOf(path) !== undefined);
  const base = delta.delta.base_version ?? NO_BASE;
  const members = wholeFiles(manifest, delta)
    .filter(({ path }) => stock.sizeOf(path) !== undefined)
    .map((file) => toMember(stock, file));
  const paper = { path: PACKAGE_FILES.delta, sizeBytes: deltaBytes.length, content: deltaBytes };
  return { name: nameOf(manifest, tiers, base), manifest, tiers, members: [paper, ...members] };
}

/** In the place of a version, where the site does not have the package yet. */
export const NO_BASE = 'site';

export function nameOf(manifest: PackageManifest, tiers: readonly PackageTier[], base?: string): string {
  const { id, version, tiers: all } = manifest.package;
  const isAll = all.every((one) => tiers.includes(one));
  return packageName({ id, version, ...(isAll ? {} : { tiers }), ...(base === undefined ? {} : { base }) });
}

interface NamedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

function wholeFiles(manifest: PackageManifest, delta: DeltaManifest): NamedFile[] {
  const steps = delta.members.flatMap(({ differences }) => differences ?? []);
  return [
    ...packageMembers(manifest),
    ...steps.map(({ delta_path, delta_size_bytes, delta_hash }) => ({
      ...{ path: delta_path, sizeBytes: delta_size_bytes, sha256: digestOf(delta_hash) },
    })),
  ];
}

export function toMember(stock: Stock, { path, sizeBytes, sha256 }: NamedFile | PackageMember): MemberToWrite {
  const here = stock.sizeOf(path);
  if (here !== undefined && here !== sizeBytes)
    throw new AtmoError('digest_mismatch', `Exporting ${path}: it has ${here} bytes, wanted ${sizeBytes}`);
  return { path, sizeBytes, sha256, content: stock.contentOf(path) };
}
