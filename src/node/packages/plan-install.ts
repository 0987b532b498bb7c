/** What installing a package means here, before anything is done. Pure. Spec: docs/spec/21-packages.md §8. */
import { formatBytes, type Sha256 } from '../../core/index.ts';
import { compareVersions, type PackageMember } from '../../protocol/index.ts';
import type { PackageRow, PackageVersion } from '../../registry/index.ts';
import { PackageError } from './errors.ts';

export interface VersionQuestion {
  readonly id: string;
  readonly version: string;
  readonly manifestSha256: Sha256;
  readonly tier: string;
  readonly hasAllTiers: boolean;
  readonly downgradeReason: string | undefined;
  /** Whose member signed it. */
  readonly meshId: string;
  /** The owner's word: this package may become another mesh's. */
  readonly mayChangeMesh: boolean;
}

export type VersionVerdict =
  /** The very same is in force. */
  | 'unchanged'
  /** The same content, of another tier or for more of them: nothing to go back to changes. */
  | 'again'
  | 'other'
  /** An older one, as was insisted. */
  | 'downgrade';

/** Throws PackageError `other_mesh`, `other_content`, `downgrade_refused`. */
export function planVersion(asked: VersionQuestion, installed: PackageVersion | undefined): VersionVerdict {
  if (installed === undefined) return 'other';
  if (!asked.mayChangeMesh) verifyMesh(asked, installed);
  if (asked.manifestSha256 === installed.manifestSha256) {
    const isMore = asked.tier !== installed.tier || (asked.hasAllTiers && !installed.hasAllTiers);
    return isMore ? 'again' : 'unchanged';
  }
  const order = compareVersions(asked.version, installed.version);
  if (order > 0) return 'other';
  const what = `Installing ${asked.id} ${asked.version}`;
  const data = { id: asked.id, installed: installed.version, version: asked.version };
  if (order === 0)
    throw new PackageError('other_content', `${what}: it is installed with other content`, {
      data: { ...data, installed_manifest: installed.manifestSha256, manifest: asked.manifestSha256 },
    });
  if (asked.downgradeReason !== undefined) return 'downgrade';
  throw new PackageError('downgrade_refused', `${what}: ${installed.version} is installed, which is newer`, { data });
}

/** Whoever is trusted for packages of its own is not trusted with those of others. Throws PackageError `other_mesh`. */
export function verifyMesh(
  { id, version, meshId }: Pick<VersionQuestion, 'id' | 'version' | 'meshId'>,
  installed: Pick<PackageVersion, 'meshId' | 'version'> | undefined,
): void {
  if (installed === undefined || installed.meshId === meshId) return;
  const is = `${installed.version}, which is installed, is of ${installed.meshId}`;
  throw new PackageError('other_mesh', `Installing ${id} ${version}: it is of ${meshId}, and ${is}`, {
    data: { id, version, meshId, installed_mesh: installed.meshId },
  });
}

/** The files of the manifest that are kept here: those of the tier, or all of them. */
export function neededMembers<Member extends Pick<PackageMember, 'tiers'>>(
  members: readonly Member[],
  { tier, hasAllTiers }: { readonly tier: string; readonly hasAllTiers: boolean },
): readonly { readonly member: Member; readonly isOfTier: boolean }[] {
  return members
    .map((member) => ({ member, isOfTier: member.tiers === undefined || member.tiers.some((one) => one === tier) }))
    .filter(({ isOfTier }) => isOfTier || hasAllTiers);
}

export interface SpaceQuestion {
  readonly missing: readonly { readonly sha256: Sha256; readonly sizeBytes: number }[];
  /** Bytes that an earlier run left of them. */
  readonly heldBytes: ReadonlyMap<Sha256, number>;
  readonly freeBytes: number;
}

/** Throws PackageError `package_no_space` before anything is stored. */
export function verifySpace(what: string, { missing, heldBytes, freeBytes }: SpaceQuestion): void {
  const distinct = new Map(missing.map(({ sha256, sizeBytes }) => [sha256, sizeBytes]));
  let neededBytes = 0;
  for (const [sha256, sizeBytes] of distinct) neededBytes += Math.max(0, sizeBytes - (heldBytes.get(sha256) ?? 0));
  if (neededBytes <= freeBytes) return;
  const told = `${formatBytes(neededBytes)} needed, ${formatBytes(freeBytes)} free for models`;
  throw new PackageError('package_no_space', `Making room for ${what}: ${told}`, { data: { neededBytes, freeBytes } });
}

export interface CommitPlan {
  /** Undefined: nothing of the package is installed any more. */
  readonly row: PackageRow | undefined;
  /** Versions that nothing leads back to any more. */
  readonly released: readonly PackageVersion[];
}

/** What is in force after an import or a rollback. The version before stays as the way back, the one before that goes. */
export function planCommit(
  target: PackageVersion,
  before: PackageRow | undefined,
  { kind, keptConfig, nowMs }: CommitFacts,
): CommitPlan {
  const { id, install } = target;
  const row = { id, install, current: target, updatedAtMs: nowMs };
  if (before === undefined) return { row: { ...row, previous: undefined }, released: [] };
  const current: PackageVersion = { ...before.current, keptConfig };
  if (kind === 'rollback') return { row: { ...row, previous: current }, released: [] };
  if (target.manifestSha256 === before.current.manifestSha256)
    return { row: { ...row, previous: before.previous }, released: [current] };
  return {
    row: { ...row, previous: current },
    released: before.previous === undefined ? [] : [before.previous],
  };
}

interface CommitFacts {
  readonly kind: 'import' | 'rollback';
  /** The operator's configuration as it is now. */
  readonly keptConfig: PackageVersion['keptConfig'];
  readonly nowMs: number;
}

/** Every content that a version needs in the store. */
export function contentsOf({ members, models }: Pick<PackageVersion, 'members' | 'models'>): Set<Sha256> {
  return new Set([...members, ...models].map(({ sha256 }) => sha256));
}

/** By this name the store keeps the contents of a version. */
export function holderOf({ id, version, install }: Pick<PackageVersion, 'id' | 'version' | 'install'>): string {
  return `package:${id}@${version}#${install}`;
}
