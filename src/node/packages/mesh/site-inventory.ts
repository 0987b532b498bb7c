/** What this site has, as the file that is taken to where packages are made. Spec: docs/spec/21-packages.md §8. */
import type { Clock, MeshId, ModelId, NodeId } from '../../../core/index.ts';
import { PACKAGE_FILES, type PackageTier, parsePackageManifest, type SiteInventory } from '../../../protocol/index.ts';
import type { LocalModel, PackageVersion } from '../../../registry/index.ts';
import type { BlobStore } from '../../../store/index.ts';
import { PACKAGE_LIMITS } from '../limits.ts';
import type { InstalledPackages } from '../ports.ts';
import { readBlob } from './blob-package-source.ts';

export interface InventoryFacts {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly meshId: MeshId;
  readonly models: readonly LocalModel[];
  readonly packages: Pick<InstalledPackages, 'list'>;
  readonly store: BlobStore;
  readonly clock: Clock;
}

export async function siteInventory(facts: InventoryFacts): Promise<SiteInventory> {
  const { nodeId, name, meshId, models, packages, store, clock } = facts;
  const versions = packages.list().map(({ current }) => current);
  return {
    type: 'site_inventory',
    node_id: nodeId,
    node_name: name,
    mesh_id: meshId,
    created: new Date(Math.floor(clock.nowMs() / 1000) * 1000).toISOString().replace('.000Z', 'Z'),
    models: models.flatMap((model) => toModel(model) ?? []),
    packages: await Promise.all(versions.map((version) => toPackage(version, store))),
  };
}

/** Only what every byte is known of. */
function toModel({ modelId, version, sha256, state, files }: LocalModel): SiteInventory['models'][number] | undefined {
  if (state !== 'ready' || sha256 === undefined) return undefined;
  const hashed = files.flatMap((file) =>
    file.sha256 === undefined ? [] : [{ path: file.path, sha256: file.sha256, size_bytes: file.sizeBytes }],
  );
  return { model_id: modelId as ModelId, version, sha256, files: hashed };
}

async function toPackage(
  { id, version, tier, manifestSha256, members }: PackageVersion,
  store: BlobStore,
): Promise<SiteInventory['packages'][number]> {
  const manifest = members.find(({ path }) => path === PACKAGE_FILES.manifest);
  const contents =
    manifest === undefined
      ? {}
      : parsePackageManifest(await readBlob(store, manifest.sha256, PACKAGE_LIMITS.documentBytes)).contents;
  return { id, version, tier: tier as PackageTier, manifest_sha256: manifestSha256, contents };
}
