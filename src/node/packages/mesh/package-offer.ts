/** A package of one tier as an entry of the catalog. Pure. Spec: docs/spec/25-local-network.md §5. */
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

export function toPackageEntry({ id, version, ...facts }: PackageOffer, files: OfferedFiles): ModelEntry {
  const { tier, tiers, manifestSha256, created } = facts;
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
    metadata: { manifest_sha256: manifestSha256, tier, tiers, created },
  };
}

const offerSchema = z.object({
  id: packageIdSchema,
  version: packageVersionSchema,
  tier: tierSchema,
  tiers: z.array(tierSchema).min(1).max(3),
  manifest_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  created: z.string().max(40),
});

/** Undefined for a model, and for an entry that does not say which package it is. */
export function readPackageEntry(entry: ModelEntry): PackageOffer | undefined {
  if (!isPackageEntry(entry) || entry.file_count === undefined) return undefined;
  const parsed = offerSchema.safeParse({ ...entry.metadata, id: entry.model_id, version: entry.version });
  if (!parsed.success) return undefined;
  const { manifest_sha256, ...offer } = parsed.data;
  return { ...offer, manifestSha256: manifest_sha256 as Sha256 };
}
