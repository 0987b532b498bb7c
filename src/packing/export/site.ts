/** What a site has, by its inventory: contents, and what comes nearest to a member that it does not have. Pure. Spec: docs/spec/21-packages.md §12, §14. */
import type { Sha256 } from '../../core/index.ts';
import {
  compareVersions,
  digestOf,
  membersOfTier,
  type PackageContents,
  type PackageManifest,
  type PackageMember,
  type SiteInventory,
} from '../../protocol/index.ts';

export interface SiteBase {
  readonly version: string;
  readonly manifestSha256: Sha256;
  readonly contents: PackageContents;
}

export interface Site {
  readonly name: string;
  has(sha256: Sha256): boolean;
  /** The version of the package that is there. */
  readonly base: SiteBase | undefined;
  /** Contents that a difference to the member could be made against, the most alike first. */
  basesOf(member: PackageMember): readonly Sha256[];
}

export function siteOf(inventory: SiteInventory, manifest: PackageManifest): Site {
  const there = inventory.packages.find(({ id }) => id === manifest.package.id);
  const held = new Set<Sha256>([
    ...inventory.models.flatMap(({ files }) => files.map(({ sha256 }) => sha256)),
    ...inventory.packages.flatMap(({ contents, tier }) =>
      membersOfTier({ contents }, tier).map(({ sha256 }) => sha256),
    ),
  ]);
  return {
    name: inventory.node_name,
    has: (sha256) => held.has(sha256),
    base: there === undefined ? undefined : { ...there, manifestSha256: there.manifest_sha256 },
    basesOf(member) {
      const found =
        member.section === 'models'
          ? olderModels(inventory, manifest, member)
          : sameItem(there?.contents, manifest, member);
      return [...new Set(found)].filter((sha256) => held.has(sha256) && sha256 !== member.sha256);
    },
  };
}

/** Other versions of the model, the one just before first: the file of the same place in it. */
function olderModels(inventory: SiteInventory, manifest: PackageManifest, { index, path }: PackageMember): Sha256[] {
  const model = manifest.contents.models?.[index];
  if (model === undefined) return [];
  const inside = model.files === undefined ? undefined : path.slice(model.path.length + 1);
  return inventory.models
    .filter(({ model_id, version }) => model_id === model.id && version !== model.version)
    .sort((a, b) => nearness(a.version, b.version, model.version))
    .flatMap(({ files }) => {
      if (inside !== undefined) return files.filter((file) => file.path === inside).map(({ sha256 }) => sha256);
      return files.length === 1 ? files.map(({ sha256 }) => sha256) : [];
    });
}

/** Older ones before newer ones, of each the nearer first. */
function nearness(a: string, b: string, wanted: string): number {
  const [isOlderA, isOlderB] = [compareVersions(a, wanted) < 0, compareVersions(b, wanted) < 0];
  if (isOlderA !== isOlderB) return isOlderA ? -1 : 1;
  return isOlderA ? compareVersions(b, a) : compareVersions(a, b);
}

interface AnyItem {
  readonly path: string;
  readonly id?: string;
  readonly domain?: string;
  readonly hash: string;
}

function sameItem(
  before: PackageContents | undefined,
  manifest: PackageManifest,
  { section, index }: PackageMember,
): Sha256[] {
  const own = (manifest.contents[section] as readonly AnyItem[] | undefined)?.[index];
  const items = (before?.[section] ?? []) as readonly AnyItem[];
  const name = (item: AnyItem | undefined) => item?.id ?? item?.domain ?? item?.path;
  return items.filter((item) => name(item) === name(own)).map(({ hash }) => digestOf(hash));
}
