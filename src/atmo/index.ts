/**
 * Packages for places without a network: the archive, its unpacked form, its parts, and what makes one that is believed. Every way in is a
 * PackageSource, every way out a PackageTarget. Spec: docs/spec/21-packages.md.
 */
export { Copier } from './copy/copier.ts';
export type { MemberDigests } from './copy/member-digest.ts';
export { appendCustody } from './custody/append-custody.ts';
export { type ChunkChanges, compareChunks, sumOfChanges } from './diff/compare-chunks.ts';
export { compareSection, type ItemChanges } from './diff/content-changes.ts';
export { diffPackages, type PackageDiff } from './diff/diff-packages.ts';
export { AtmoError, type AtmoErrorCode } from './errors.ts';
export { inspectPackage, type PackageInspection } from './inspect/inspect-package.ts';
export { completeTiers } from './manifest/plan-members.ts';
export { type PackagePapers, readPaper, readPapers } from './manifest/read-papers.ts';
export { FAT32_FILE_BYTES, parsePartSize } from './parts/part-size.ts';
export { PartsInbox } from './parts/parts-inbox.ts';
export { indexDigest, indexName } from './parts/parts-index.ts';
export type { WaitingPackage } from './parts/waiting-package.ts';
export type {
  MemberToWrite,
  PackageEntry,
  PackageSource,
  PackageTarget,
  ReadableBytes,
  WrittenFile,
  WrittenMember,
} from './ports.ts';
export { FolderTarget } from './source/folder-target.ts';
export { openPackageSource } from './source/open-package-source.ts';
export { type PackageForm, recognisePackage } from './source/recognise.ts';
export { findWrongParts } from './source/wrong-parts.ts';
export { type ChosenTier, chooseTier, tierOf } from './tier/tier-of.ts';
export { founderKeyOf, publicKeyOfFounder } from './verify/founder-key.ts';
export { type PackageSigner, type PackageTrust, verifyPackageSignature } from './verify/package-trust.ts';
export { assertGood, type PackageReport } from './verify/report.ts';
export { type PackageSigning, packageSigningOf, signedPackageBytes, signPackage } from './verify/sign-package.ts';
export { verifyPackage } from './verify/verify-package.ts';
export { archiveSizeBytes } from './zip/archive-size.ts';
export { ArchiveTarget } from './zip/archive-target.ts';
