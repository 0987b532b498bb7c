/**
 * Keeps the book of offered packages at what is installed: one offer for each tier of the version in force of which every member is
 * here. The lists, checksums and custody that it makes are blobs of the store, kept as long as they are offered. Work is in turns: a
 * change while one runs makes one more. Spec: docs/spec/24-local-network.md §5.
 */
import { type Logger, messageOf, type NodeId, type Sha256 } from '../../../core/index.ts';
import { PACKAGE_FILES, type PackageTier, parsePackageManifest } from '../../../protocol/index.ts';
import type { PackageVersion, Registry } from '../../../registry/index.ts';
import type { BlobStore } from '../../../store/index.ts';
import { PACKAGE_LIMITS } from '../limits.ts';
import type { InstalledPackages } from '../ports.ts';
import { readBlob } from './blob-package-source.ts';
import type { OfferBook, OwnOffer } from './offer-book.ts';
import { toPackageEntry } from './package-offer.ts';
import type { SmallBlob } from './small-blob.ts';
import { type PackageDocuments, type TierFiles, tierFiles } from './tier-files.ts';

export interface PackageOffersOptions {
  readonly installed: Pick<InstalledPackages, 'list' | 'changes'>;
  readonly store: BlobStore;
  readonly pieceLists: Registry['pieceLists'];
  readonly book: OfferBook;
  readonly self: NodeId;
  readonly logger: Logger;
}

export class PackageOffers implements AsyncDisposable {
  readonly #options: PackageOffersOptions;
  readonly #stop: () => void;
  #turn: Promise<void> = Promise.resolve();
  #isWanted = false;
  #isClosed = false;
  /** What was made for each offer, by the name the store keeps it by. */
  readonly #kept = new Map<string, readonly Sha256[]>();

  constructor(options: PackageOffersOptions) {
    this.#options = options;
    this.#stop = options.installed.changes.on(() => void this.refresh());
  }

  /** Resolves when the book is what is installed. */
  refresh(): Promise<void> {
    if (this.#isWanted) return this.#turn;
    this.#isWanted = true;
    this.#turn = this.#turn.then(() => this.#makeAll());
    return this.#turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    this.#isClosed = true;
    await this.#turn;
  }

  async #makeAll(): Promise<void> {
    this.#isWanted = false;
    if (this.#isClosed) return;
    const { installed, book, logger } = this.#options;
    const offers: OwnOffer[] = [];
    for (const { current } of installed.list())
      try {
        offers.push(...(await this.#offersOf(current)));
      } catch (thrown) {
        const { id, version } = current;
        logger.warn({ id, version, reason: messageOf(thrown) }, 'an installed package is not offered to the mesh');
      }
    book.replace(offers);
    await this.#dropOld(offers);
  }

  async #offersOf(version: PackageVersion): Promise<OwnOffer[]> {
    const documents = await this.#documentsOf(version);
    const { tiers } = documents.manifest.package;
    const held = new Set(version.members.map(({ sha256 }) => sha256));
    const made = tiers.map((tier) => ({ tier, files: tierFiles(documents, tier, this.#options.self) }));
    const offers: OwnOffer[] = [];
    for (const same of Map.groupBy(made, ({ files }) => files.list.sha256).values()) {
      const [first] = same;
      const fits = same.map(({ tier }) => tier);
      if (first === undefined || !(await this.#isHere(first.files, held))) continue;
      offers.push(await this.#offer(version, documents, fits, first.files));
    }
    return offers;
  }

  async #documentsOf({ members }: PackageVersion): Promise<PackageDocuments> {
    const read = async (name: string): Promise<Buffer> => {
      const member = members.find(({ path }) => path === name);
      if (member === undefined) return Buffer.alloc(0);
      return readBlob(this.#options.store, member.sha256, PACKAGE_LIMITS.documentBytes);
    };
    const manifestBytes = await read(PACKAGE_FILES.manifest);
    const custodyBytes = await read(PACKAGE_FILES.custody);
    return { manifest: parsePackageManifest(manifestBytes), manifestBytes, custodyBytes };
  }

  /** Every member of the tier, as bytes. */
  async #isHere({ files, made }: TierFiles, held: ReadonlySet<Sha256>): Promise<boolean> {
    const own = new Set(made.map(({ sha256 }) => sha256));
    for (const { sha256 } of files) {
      if (own.has(sha256)) continue;
      if (!held.has(sha256) || (await this.#options.store.stat(sha256)) === undefined) return false;
    }
    return true;
  }

  async #offer(
    { id, version, manifestSha256 }: PackageVersion,
    { manifest }: PackageDocuments,
    fits: readonly PackageTier[],
    { files, list, made }: TierFiles,
  ): Promise<OwnOffer> {
    const holder = `package-offer:${list.sha256}`;
    for (const blob of [...made, list]) await this.#keep(blob, holder);
    this.#kept.set(
      holder,
      [...made, list].map(({ sha256 }) => sha256),
    );
    const { tiers, created } = manifest.package;
    const entry = toPackageEntry({ id, version, tiers, manifestSha256, created }, fits, {
      ...{ sha256: list.sha256, pieceRoot: list.pieceRoot, listBytes: list.bytes.length, fileCount: files.length },
      sizeBytes: files.reduce((sum, { size_bytes }) => sum + size_bytes, 0),
    });
    return { entry, files: files.map(({ sha256 }) => sha256) };
  }

  async #keep({ sha256, bytes, pieceRoot, pieceHashes }: SmallBlob, holder: string): Promise<void> {
    const { store, pieceLists } = this.#options;
    await store.addRef(sha256, holder);
    if ((await store.stat(sha256)) === undefined) await store.put(sha256, bytes);
    pieceLists.put(sha256, { sizeBytes: bytes.length, pieceRoot, hashes: pieceHashes });
  }

  async #dropOld(offers: readonly OwnOffer[]): Promise<void> {
    const wanted = new Set(offers.map(({ entry }) => `package-offer:${entry.sha256}`));
    for (const [holder, blobs] of this.#kept) {
      if (wanted.has(holder)) continue;
      for (const sha256 of blobs) await this.#options.store.removeRef(sha256, holder);
      this.#kept.delete(holder);
    }
  }
}
