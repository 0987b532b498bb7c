/** The manifest of a draft whose bytes have been read; before that, one of the same length. Pure. Spec: docs/spec/21-packages.md §2, §3. */
import type { PieceRoot, Sha256 } from '../../core/index.ts';
import {
  fileSetBytes,
  isOfTier,
  type PackageContents,
  readableSize,
  sizeInMb,
  toFileSet,
} from '../../protocol/index.ts';
import type { UnsignedManifest } from '../sign/seal.ts';
import { digestBytes } from './digest-bytes.ts';
import { type Draft, type DraftFile, type DraftModel, type FileDigests, filesOf } from './draft.ts';

/** By path in the package. */
export type Digests = ReadonlyMap<string, FileDigests>;

/** Stands where a digest will, as long as one; nothing that YAML would take for a number. */
const STANDS_IN: FileDigests = { sha256: 'a'.repeat(64) as Sha256, pieceRoot: 'a'.repeat(64) as PieceRoot };

export function makeManifest(draft: Draft, digests: Digests): UnsignedManifest {
  const { id, version, created, createdBy, description, tiers } = draft;
  const bytes = tiers.map((tier) => [tier, bytesOf(draft, tier)] as const);
  const about = {
    ...{ id, version, created, created_by: createdBy, ...(description === undefined ? {} : { description }) },
    tiers: [...tiers],
    size_by_tier: Object.fromEntries(bytes.map(([tier, size]) => [tier, readableSize(size)])),
    bytes_by_tier: Object.fromEntries(bytes),
  };
  return { package: about, contents: makeContents(draft, digests) };
}

function bytesOf(draft: Draft, tier: Draft['tiers'][number]): number {
  return filesOf(draft)
    .filter((file) => isOfTier(file, tier))
    .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function makeContents(draft: Draft, digests: Digests): PackageContents {
  const sections = {
    config: draft.config.map((file) => memberOf(file, digests)),
    models: draft.models.map((model) => makeModel(model, digests)),
    agents: draft.agents.map((file) => ({ id: file.id, version: file.version, ...memberOf(file, digests) })),
    tools: draft.tools.map((file) => ({ id: file.id, version: file.version, ...memberOf(file, digests) })),
    knowledge: draft.knowledge.map((file) => ({
      domain: file.domain,
      chunks: file.chunks,
      ...memberOf(file, digests),
    })),
  };
  return Object.fromEntries(Object.entries(sections).filter(([, items]) => items.length > 0)) as PackageContents;
}

function memberOf(file: DraftFile, digests: Digests) {
  const { path, sizeBytes, tiers } = file;
  return { path, size_bytes: sizeBytes, ...tiersOf(tiers), ...hashesOf(file, digests) };
}

function makeModel(model: DraftModel, digests: Digests): unknown {
  const { id, path, version, isFileSet, files, tiers, entry, manifest } = model;
  const size = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const facts = { path, id, version, size_mb: sizeInMb(size), size_bytes: size, ...tiersOf(tiers) };
  const words = { ...(manifest === undefined ? {} : { manifest }), entry };
  const [only] = files;
  if (!isFileSet && only !== undefined) return { ...facts, ...hashesOf(only, digests), ...words };
  const inside = files.map((file) => ({
    ...{ path: file.path.slice(path.length + 1), size_bytes: file.sizeBytes },
    ...hashesOf(file, digests),
  }));
  return { ...facts, ...hashesOfSet(files, path, digests), files: inside, ...words };
}

function hashesOfSet(files: readonly DraftFile[], folder: string, digests: Digests) {
  const list = files.map((file) => {
    const { sha256, pieceRoot } = digestsOf(file, digests);
    return { path: file.path.slice(folder.length + 1), size_bytes: file.sizeBytes, sha256, piece_root: pieceRoot };
  });
  return toHashes(digestBytes(fileSetBytes(toFileSet(list))));
}

function tiersOf(tiers: DraftFile['tiers']) {
  return tiers === undefined ? {} : { tiers: [...tiers] };
}

function hashesOf(file: DraftFile, digests: Digests) {
  return toHashes(digestsOf(file, digests));
}

function digestsOf(file: DraftFile, digests: Digests): FileDigests {
  return digests.get(file.path) ?? file.known ?? STANDS_IN;
}

function toHashes({ sha256, pieceRoot }: FileDigests) {
  return { hash: `sha256:${sha256}`, piece_root: pieceRoot };
}
