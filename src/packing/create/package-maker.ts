/**
 * A draft onto the disk. Bytes are read once, on their way into the first package; the room for its manifest was kept until then. What the
 * first package does not have is read before, and so is everything where a package of that name is there already. One use.
 */
import { ArchiveTarget, archiveSizeBytes, type MemberToWrite, type WrittenMember } from '../../atmo/index.ts';
import {
  formatPackageManifest,
  PACKAGE_FILES,
  type PackageManifest,
  type PackageTier,
  ProtocolError,
  parsePackageManifest,
} from '../../protocol/index.ts';
import { PackingError } from '../errors.ts';
import type { Seal } from '../sign/seal.ts';
import { assertRoom } from '../write/assert-room.ts';
import { formatChecksums } from '../write/checksums.ts';
import { type OnProgress, ProgressMeter } from '../write/progress.ts';
import { assertSamePackage, isThere } from '../write/same-package.ts';
import { writePackage } from '../write/write-package.ts';
import { digestFiles } from './digest-files.ts';
import { type Draft, type DraftFile, type FileDigests, filesOf } from './draft.ts';
import { makeManifest } from './make-manifest.ts';

/** One package of several that have the same manifest. */
export interface Variant {
  readonly path: string;
  readonly tiers: readonly PackageTier[];
  readonly files: readonly DraftFile[];
}

export interface CreatedPackage {
  readonly path: string;
  readonly sizeBytes: number;
  readonly tiers: readonly PackageTier[];
  readonly members: number;
  /** The very package was there already. */
  readonly isUnchanged: boolean;
}

export interface MakerOptions {
  readonly seal: Seal;
  readonly output: string;
  readonly variants: readonly Variant[];
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class PackageMaker {
  readonly #draft: Draft;
  readonly #options: MakerOptions;
  /** Of what was read until now, by path in the package. */
  readonly #digests = new Map<string, FileDigests>();
  #manifest: PackageManifest;

  constructor(draft: Draft, options: MakerOptions) {
    this.#draft = draft;
    this.#options = options;
    this.#manifest = options.seal.seal(makeManifest(draft, this.#digests));
    assertManifest(this.#manifest);
  }

  async make(): Promise<{ readonly manifest: PackageManifest; readonly packages: readonly CreatedPackage[] }> {
    const { variants, output, onProgress, signal } = this.#options;
    const there = await Promise.all(variants.map(({ path }) => isThere(path)));
    const fresh = variants.filter((_, index) => !there[index]);
    const before = this.#toReadBefore(there.includes(true) ? undefined : fresh[0]);
    const work = [...before, ...fresh.flatMap(({ files }) => files)];
    const meter = new ProgressMeter(
      'packing',
      work.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      onProgress,
    );
    const sizes = fresh.map((variant) => this.#sizeOf(variant));
    await assertRoom(output, { sizeBytes: sizes.reduce((a, b) => a + b, 0), largestBytes: Math.max(0, ...sizes) });
    for (const [path, digests] of await digestFiles(before, meter.add, signal)) this.#digests.set(path, digests);
    if (fresh.length < variants.length) this.#sealNow();
    const packages: CreatedPackage[] = [];
    for (const variant of variants) packages.push(await this.#one(variant, !fresh.includes(variant), meter));
    return { manifest: this.#manifest, packages };
  }

  /** All that is unknown, but for what the first package brings by itself. */
  #toReadBefore(first: Variant | undefined): DraftFile[] {
    const brought = new Set(first?.files.map(({ path }) => path));
    return filesOf(this.#draft).filter(({ path, known }) => known === undefined && !brought.has(path));
  }

  async #one(variant: Variant, isUnchanged: boolean, meter: ProgressMeter): Promise<CreatedPackage> {
    const { path, tiers, files } = variant;
    if (isUnchanged) await this.#assertSame(variant);
    else await this.#write(variant, meter);
    return { path, tiers, sizeBytes: this.#sizeOf(variant), members: files.length, isUnchanged };
  }

  async #assertSame({ path, files }: Variant): Promise<void> {
    const manifest = formatPackageManifest(this.#manifest);
    await assertSamePackage({ path, manifest, custody: this.#custody(), members: files });
  }

  async #write({ path, files }: Variant, meter: ProgressMeter): Promise<void> {
    const created = new Date(this.#draft.created);
    await using target = new ArchiveTarget({ path, created, onBytes: meter.add });
    const sizeBytes = Buffer.byteLength(formatPackageManifest(this.#manifest));
    const make = (written: readonly WrittenMember[]) => this.#sealWith(written);
    const members = files.map((file) => this.#toMember(file));
    const parts = { manifest: { sizeBytes, make }, members, custody: () => this.#custody() };
    await writePackage(target, parts, this.#options.signal);
  }

  #sealWith(written: readonly WrittenMember[]): Buffer {
    for (const { path, sha256, pieceRoot } of written)
      if (pieceRoot !== undefined) this.#digests.set(path, { sha256, pieceRoot });
    this.#sealNow();
    return Buffer.from(formatPackageManifest(this.#manifest));
  }

  #sealNow(): void {
    this.#manifest = this.#options.seal.seal(makeManifest(this.#draft, this.#digests));
  }

  /** What is known of it must come out again. */
  #toMember({ path, file, sizeBytes, known }: DraftFile): MemberToWrite {
    const digests = this.#digests.get(path) ?? known;
    const wanted = digests === undefined ? { wantsPieceRoot: true } : { sha256: digests.sha256 };
    return { path, sizeBytes, content: { file }, ...wanted };
  }

  #custody(): string {
    const handOver = { action: 'created', nowMs: Date.parse(this.#draft.created) } as const;
    return this.#options.seal.custody(this.#manifest, handOver, '');
  }

  /** Known before anything is read: digests and signatures are as long as each other. */
  #sizeOf({ files }: Variant): number {
    const text = formatPackageManifest(this.#manifest);
    const members = [{ path: PACKAGE_FILES.manifest, sizeBytes: Buffer.byteLength(text) }, ...files];
    const checksums = formatChecksums(members.map(({ path }) => ({ path, sha256: 'a'.repeat(64) })));
    return archiveSizeBytes([
      ...members,
      { path: PACKAGE_FILES.checksums, sizeBytes: Buffer.byteLength(checksums) },
      { path: PACKAGE_FILES.custody, sizeBytes: Buffer.byteLength(this.#custody()) },
    ]);
  }
}

/** Everything that makes a manifest one that is refused is known before bytes are read. Throws PackingError `bad_mission`. */
function assertManifest(manifest: PackageManifest): void {
  try {
    parsePackageManifest(formatPackageManifest(manifest));
  } catch (thrown) {
    if (!(thrown instanceof ProtocolError)) throw thrown;
    const { id, version } = manifest.package;
    const why = thrown.message.replace(/^[^:]*: (line \d+, )?/, '');
    const options = { cause: thrown, data: thrown.data };
    throw new PackingError('bad_mission', `Making the manifest of ${id}-v${version}: ${why}`, options);
  }
}
