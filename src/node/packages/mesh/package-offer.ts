/** A package of one tier as an entry of the catalog. Pure. Spec: docs/spec/24-local-network.md §5. */
import { z } from 'zod';
import type { ModelId, PieceRoot, Sha256 } from '../../../core/index.ts';
import {
  isPackageEntry,
  type ModelEntry,
  PACKAGE_FORMAT,
  PACKAGE_TYPE,
  type PackageTier,
  packageIdSchema,
  packageVersionSchema,
  tierSchema,
} from '../../../protocol/index.ts';

export interface PackageOffer {
  readonly id: string;
  readonly version: string;
  readonly tier: PackageTier;
  /** Those that the package was made for; whoever offers this one need not have them. */
  readonly tiers: readonly PackageTier[];
  /** Of the signed bytes of the manifest. */
  readonly manifestSha256: Sha256;
  readonly created: string;
}

/** What a file list names, and how much it is. */
export interface OfferedFiles {
  readonly sha256: Sha256;
  readonly pieceRoot: PieceRoot;
  readonly listBytes: number;
  readonly fileCount: number;
  readonly sizeBytes: number;
}

/** `fits`: the tiers that take just these files. */
export function toPackageEntry(
  { id, version, tiers, manifestSha256, created }: Omit<PackageOffer, 'tier'>,
  fits: readonly PackageTier[],
  files: OfferedFiles,
): ModelEntry {
  return {
    model_id: id as ModelId,
    name: id,
    type: PACKAGE_TYPE,
    format: PACKAGE_FORMAT,
    size_bytes: files.sizeBytes,
    sha256: files.sha256,
    version,
    capabilities: [],
    source: PACKAGE_TYPE,
    source_ref: '',
    piece_root: files.pieceRoot,
    file_count: files.fileCount,
    file_list_bytes: files.listBytes,
    metadata: { manifest_sha256: manifestSha256, fits, tiers, created },
  };
}

const someTiers = z.array(tierSchema).min(1).max(3);
const offerSchema = z.object({
  id: packageIdSchema,
  version: packageVersionSchema,
  fits: someTiers,
  tiers: someTiers,
  manifest_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  created: z.string().max(40),
});

/** One for each tier that takes the files of the entry. None for a model, and for an entry that does not say which package it is. */
export function readPackageEntry(entry: ModelEntry): PackageOffer[] {
  if (!isPackageEntry(entry) || entry.file_count === undefined) return [];
  const parsed = offerSchema.safeParse({ ...entry.metadata, id: entry.model_id, version: entry.version });
  if (!parsed.success) return [];
  const { manifest_sha256, fits, ...about } = parsed.data;
  return fits.map((tier) => ({ ...about, tier, manifestSha256: manifest_sha256 as Sha256 }));
}

/** The entry of a pull says for which tier it is; it is remembered with it. */
export function withTier(entry: ModelEntry, tier: PackageTier): ModelEntry {
  return { ...entry, metadata: { ...entry.metadata, tier } };
}

export function offerOfPull(entry: ModelEntry): PackageOffer | undefined {
  const offers = readPackageEntry(entry);
  return offers.find(({ tier }) => tier === entry.metadata.tier) ?? offers[0];
}
