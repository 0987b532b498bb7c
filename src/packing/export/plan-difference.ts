/**
 * `--since`: what the site has stays away, what it has an older version of comes as a difference where that is smaller, the rest whole.
 * Spec: docs/spec/21-packages.md §11, §14.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MemberToWrite } from '../../atmo/index.ts';
import type { Sha256 } from '../../core/index.ts';
import {
  type DeltaManifest,
  type DeltaMember,
  formatDeltaManifest,
  PACKAGE_FILES,
  type PackageManifest,
  type PackageMember,
  type PackageTier,
  packageDigest,
  type SiteInventory,
} from '../../protocol/index.ts';
import type { FindBlobs } from '../ports.ts';
import type { OnProgress } from '../write/progress.ts';
import { chooseMembers } from './choose-members.ts';
import { deltaPaths } from './delta-paths.ts';
import { makeDifferences, type PackedDifference } from './make-differences.ts';
import { type ExportPlan, NO_BASE, nameOf, toMember } from './plan-export.ts';
import { type Site, siteOf } from './site.ts';
import { parseManifestOf, type Stock } from './stock.ts';
import { tellChanges } from './tell-changes.ts';

export interface DifferenceWish {
  readonly stock: Stock;
  readonly tier?: PackageTier | undefined;
  readonly inventory: SiteInventory;
  readonly output: string;
  readonly findBlobs: FindBlobs;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a difference package leaves at home. */
export interface DifferenceSavings {
  readonly site: string;
  readonly baseVersion: string | undefined;
  /** Bytes of all members, and of what travels of them. */
  readonly fullBytes: number;
  readonly sentBytes: number;
  readonly heldMembers: number;
  readonly differences: readonly { readonly path: string; readonly fullBytes: number; readonly sizeBytes: number }[];
  readonly fullMembers: number;
  /** Older versions at the site of which the bytes are not here, so that no difference could be made. */
  readonly basesNotHere: readonly string[];
  readonly changes: DeltaManifest['delta']['changes'];
}

export interface PlannedDifference extends AsyncDisposable {
  readonly plan: ExportPlan;
  readonly savings: DifferenceSavings;
}

/** Disposed of when the package is written: the differences lie in a folder until then. */
export async function planDifference(wish: DifferenceWish): Promise<PlannedDifference> {
  const { stock, tier, inventory, output } = wish;
  const manifest = parseManifestOf(stock);
  const site = siteOf(inventory, manifest);
  const { members, tiers } = chooseMembers(manifest, stock.sizeOf, tier, site.has);
  const name = nameOf(manifest, tiers, site.base?.version ?? NO_BASE);
  const folder = join(output, `.${name}.differences`);
  const clear = () => rm(folder, { recursive: true, force: true });
  try {
    const asked = members
      .filter(({ sha256 }) => !site.has(sha256))
      .map((member) => ({ member, bases: site.basesOf(member) }));
    const here = await wish.findBlobs(asked.flatMap(({ bases }) => bases));
    const wanted = asked.flatMap(({ member, bases }) => {
      const base = bases.find((one) => here.has(one));
      return base === undefined ? [] : [{ member, base, baseFile: here.get(base) ?? '' }];
    });
    const packed = await makeDifferences(wanted, { ...wish, folder });
    const lacking = asked.filter(({ bases }) => bases.length > 0 && !bases.some((one) => here.has(one)));
    const changes = await tellChanges({ ...wish, manifest, site, packed, members });
    const delta = toDelta({ manifest, site, members, packed, changes });
    return {
      plan: { name, manifest, tiers, members: toMembers({ stock, members, packed, delta, site }) },
      savings: toSavings({ site, members, packed, changes, lacking: lacking.map(({ member }) => member.path) }),
      [Symbol.asyncDispose]: clear,
    };
  } catch (thrown) {
    await clear();
    throw thrown;
  }
}

interface Parts {
  readonly manifest: PackageManifest;
  readonly site: Site;
  readonly members: readonly PackageMember[];
  readonly packed: readonly PackedDifference[];
  readonly changes: DeltaManifest['delta']['changes'];
}

function toDelta({ manifest, site: { base, has }, members, packed, changes }: Parts): DeltaManifest {
  const paths = deltaPaths(manifest, packed);
  const named = new Map(packed.map((one) => [one.member.path, one]));
  return {
    delta: {
      ...(base === undefined ? {} : { base_version: base.version, base_manifest: `sha256:${base.manifestSha256}` }),
      ...{ target_version: manifest.package.version, target_manifest: `sha256:${packageDigest(manifest)}`, changes },
    },
    members: members.map((member): DeltaMember => {
      const { path, sha256 } = member;
      const difference = named.get(path);
      if (difference !== undefined)
        return { path, how: 'difference', differences: [toStep(difference, paths.get(path) ?? '')] };
      return { path, how: has(sha256) ? 'held' : 'full' };
    }),
  };
}

function toStep({ member, base, sizeBytes, sha256 }: PackedDifference, path: string) {
  return {
    ...{ base_hash: `sha256:${base}`, target_hash: `sha256:${member.sha256}` },
    ...{ delta_path: path, delta_size_bytes: sizeBytes, delta_hash: `sha256:${sha256}` },
  };
}

interface MembersWish extends Pick<Parts, 'members' | 'packed' | 'site'> {
  readonly stock: Stock;
  readonly delta: DeltaManifest;
}

function toMembers({ stock, members, packed, delta, site }: MembersWish): MemberToWrite[] {
  const text = Buffer.from(formatDeltaManifest(delta));
  const files = new Map(packed.map((one) => [one.member.path, one]));
  const steps = new Map(delta.members.map(({ path, differences }) => [path, differences?.[0]?.delta_path]));
  const written = members.flatMap((member): MemberToWrite[] => {
    const difference = files.get(member.path);
    const path = steps.get(member.path);
    if (difference === undefined || path === undefined) return site.has(member.sha256) ? [] : [toMember(stock, member)];
    const { sizeBytes, sha256, file } = difference;
    return [{ path, sizeBytes, sha256, content: { file } }];
  });
  return [{ path: PACKAGE_FILES.delta, sizeBytes: text.length, content: text }, ...written];
}

interface SavingsFacts extends Pick<Parts, 'site' | 'members' | 'packed' | 'changes'> {
  readonly lacking: readonly string[];
}

function toSavings({ site, members, packed, changes, lacking }: SavingsFacts): DifferenceSavings {
  const sizes = new Map<Sha256, number>(packed.map(({ member, sizeBytes }) => [member.sha256, sizeBytes]));
  const sent = members.map(({ sha256, sizeBytes }) => (site.has(sha256) ? 0 : (sizes.get(sha256) ?? sizeBytes)));
  const held = members.filter(({ sha256 }) => site.has(sha256));
  return {
    ...{ site: site.name, baseVersion: site.base?.version, changes, basesNotHere: lacking },
    fullBytes: members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    sentBytes: sent.reduce((a, b) => a + b, 0),
    heldMembers: held.length,
    fullMembers: members.length - held.length - packed.length,
    differences: packed.map(({ member, sizeBytes }) => ({ path: member.path, fullBytes: member.sizeBytes, sizeBytes })),
  };
}
