/**
 * Where packages that came over the mesh end up: looked at as soon as their manifest is here, installed when every byte is. An entry says
 * nothing that counts; the signed manifest does. A restart in between goes on with the pull, and with it the install.
 * Spec: docs/spec/24-local-network.md §6.
 */
import { Emitter, formatBytes, type NodeId, type Sha256 } from '../../../core/index.ts';
import {
  type FileSetFile,
  isPackageEntry,
  type ModelEntry,
  membersOfTier,
  PACKAGE_FILES,
  type PackageManifest,
  PROTOCOL_LIMITS,
  packageDigest,
  parsePackageManifest,
} from '../../../protocol/index.ts';
import type { BlobStore } from '../../../store/index.ts';
import type { ModelSink, PulledModel } from '../../pull/ports.ts';
import { PackageError } from '../errors.ts';
import type { PackageJudge } from '../install-ports.ts';
import { PACKAGE_LIMITS } from '../limits.ts';
import type { InstallEvent, InstalledPackages } from '../ports.ts';
import { BlobPackageSource, readBlob } from './blob-package-source.ts';
import { offerOfPull, type PackageOffer } from './package-offer.ts';

export interface PackageSinkOptions {
  /** Where models go. */
  readonly models: ModelSink;
  readonly store: BlobStore;
  /** Opened after the pulls that end here are known. */
  readonly packages: () => Pick<InstalledPackages, 'get' | 'install' | 'folderOf'>;
  readonly judge: () => PackageJudge;
  readonly nameOf: (nodeId: NodeId) => string;
}

export interface SinkEvent {
  /** Of the entry that is being installed. */
  readonly sha256: Sha256;
  readonly event: InstallEvent;
}

export class PackageSink implements ModelSink {
  readonly events = new Emitter<SinkEvent>();
  readonly #options: PackageSinkOptions;

  constructor(options: PackageSinkOptions) {
    this.#options = options;
  }

  /** What a package is, is decided before its models come. Throws PackageError `offer_wrong`. */
  firstFiles(entry: ModelEntry, files: readonly FileSetFile[]): readonly FileSetFile[] {
    if (!isPackageEntry(entry)) return [];
    const manifest = manifestOf(offerOf(entry), files);
    if (manifest.size_bytes <= PROTOCOL_LIMITS.packageManifestBytes) return [manifest];
    throw wrong(offerOf(entry), `its manifest has ${formatBytes(manifest.size_bytes)}`);
  }

  /** Throws what the judge throws, PackageError `offer_wrong`. */
  async judge(entry: ModelEntry, files: readonly FileSetFile[]): Promise<void> {
    if (!isPackageEntry(entry)) return;
    const offer = offerOf(entry);
    const { sha256 } = manifestOf(offer, files);
    const manifest = parsePackageManifest(
      await readBlob(this.#options.store, sha256, PROTOCOL_LIMITS.packageManifestBytes),
    );
    this.#options.judge().verify(manifest);
    verifyOffer(offer, manifest, files);
  }

  async install(pulled: PulledModel): Promise<string> {
    const { entry, files, sourceNode } = pulled;
    if (!isPackageEntry(entry)) return this.#options.models.install(pulled);
    const { id, version, tier } = offerOf(entry);
    const packages = this.#options.packages();
    await using source = new BlobPackageSource(`${id} ${version}`, files, this.#options.store);
    const name = sourceNode === undefined ? 'the mesh' : this.#options.nameOf(sourceNode as NodeId);
    // Other tiers than the one that came cannot be kept.
    const options = { tier, allTiers: false, from: { way: 'mesh', name } } as const;
    for await (const event of packages.install(source, options)) this.events.emit({ sha256: entry.sha256, event });
    return packages.folderOf({ id, version });
  }

  async pathOf(entry: ModelEntry): Promise<string | undefined> {
    if (!isPackageEntry(entry)) return this.#options.models.pathOf(entry);
    const { id, version, tier, manifestSha256 } = offerOf(entry);
    const packages = this.#options.packages();
    const current = packages.get(id)?.current;
    const isHere = current?.manifestSha256 === manifestSha256 && current.tier === tier;
    return isHere ? packages.folderOf({ id, version }) : undefined;
  }
}

/** The entry says what the manifest says, and the list has the tier's members as the manifest names them, and nothing else. */
function verifyOffer(offer: PackageOffer, manifest: PackageManifest, files: readonly FileSetFile[]): void {
  const { id, version, tiers } = manifest.package;
  if (id !== offer.id || version !== offer.version) throw wrong(offer, `its manifest is of ${id} ${version}`);
  if (packageDigest(manifest) !== offer.manifestSha256) throw wrong(offer, 'its manifest is another than it says');
  if (!tiers.includes(offer.tier)) throw wrong(offer, `the package has no ${offer.tier}`);
  const listed = new Map(files.map((file) => [file.path, file]));
  for (const { path, sizeBytes, sha256, pieceRoot } of membersOfTier(manifest, offer.tier)) {
    const file = listed.get(path);
    if (file === undefined) throw wrong(offer, `its list lacks ${path}`);
    if (file.sha256 !== sha256 || file.size_bytes !== sizeBytes || file.piece_root !== pieceRoot)
      throw wrong(offer, `its list has another content for ${path} than the signed manifest`);
    listed.delete(path);
  }
  const fixed = new Set<string>([PACKAGE_FILES.manifest, PACKAGE_FILES.checksums, PACKAGE_FILES.custody]);
  const strange = [...listed.values()].find(
    ({ path, size_bytes }) => !fixed.has(path) || size_bytes > PACKAGE_LIMITS.documentBytes,
  );
  if (strange !== undefined)
    throw wrong(offer, `its list has ${JSON.stringify(strange.path)}, which does not belong to it`);
}

function manifestOf(offer: PackageOffer, files: readonly FileSetFile[]): FileSetFile {
  const manifest = files.find(({ path }) => path === PACKAGE_FILES.manifest);
  if (manifest !== undefined) return manifest;
  throw wrong(offer, 'its list names no manifest');
}

function offerOf(entry: ModelEntry): PackageOffer {
  const offer = offerOfPull(entry);
  if (offer !== undefined) return offer;
  throw new PackageError('offer_wrong', `Getting ${entry.model_id}: its entry does not say which package it is`);
}

function wrong({ id, version, tier }: PackageOffer, why: string): PackageError {
  return new PackageError('offer_wrong', `Getting ${id} ${version} (${tier}) from the mesh: ${why}`, {
    data: { id, version, tier },
  });
}
