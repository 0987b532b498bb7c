/**
 * Packages for places without a network: the archive, its unpacked form, its parts, and what makes one that is believed. Every way in is a
 * PackageSource, every way out a PackageTarget. Spec: docs/spec/21-packages.md.
 */
export { Copier, type CopyOrder } from './copy/copier.ts';
export type { MemberDigests } from './copy/member-digest.ts';
export { appendCustody, type CustodyEntry } from './custody/append-custody.ts';
export {
  CUSTODY_FLAWS,
  type CustodyFlaw,
  type CustodyStanding,
  type CustodyStep,
  type CustodyTrust,
  verifyCustody,
} from './custody/verify-custody.ts';
export { type KnowledgeBytes, readChunkDigests } from './diff/chunk-digests.ts';
export { type ChunkChanges, compareChunks, sumOfChanges } from './diff/compare-chunks.ts';
export { type ChangedItem, compareSection, type ItemChanges, type UpdatedItem } from './diff/content-changes.ts';
export { diffPackages, type KnowledgeChanges, type PackageDiff } from './diff/diff-packages.ts';
export { AtmoError, type AtmoErrorCode } from './errors.ts';
export {
  type InspectedItem,
  type InspectedTier,
  type InspectedTrust,
  inspectPackage,
  type PackageInspection,
} from './inspect/inspect-package.ts';
export { ATMO_LIMITS } from './limits.ts';
export { completeTiers, filesOfPlanned, missingOf, type PlannedMember, planMembers } from './manifest/plan-members.ts';
export { type PackagePapers, type Paper, readPaper, readPapers } from './manifest/read-papers.ts';
export { type CheckOptions, checkParts, type PartPlace, type PartReport, type PartState } from './parts/check-parts.ts';
export { DVD_PART_BYTES, FAT32_FILE_BYTES, parsePartSize } from './parts/part-size.ts';
export { type Accepted, type AcceptOptions, type InboxStatus, PartsInbox } from './parts/parts-inbox.ts';
export { indexName, type PartFile, type PartsIndex } from './parts/parts-index.ts';
export type { WaitingPackage, WaitingPart } from './parts/waiting-package.ts';
export type {
  MemberToWrite,
  PackageEntry,
  PackageSource,
  PackageTarget,
  ReadableBytes,
  WrittenFile,
  WrittenMember,
} from './ports.ts';
export { FolderTarget, type FolderTargetOptions } from './source/folder-target.ts';
export { openPackageSource } from './source/open-package-source.ts';
export { type PackageForm, recognisePackage } from './source/recognise.ts';
export { type ChosenTier, chooseTier, type DeviceSize, tierOf } from './tier/tier-of.ts';
export { type ReadChecksums, readChecksums } from './verify/checksums.ts';
export { founderKeyOf, publicKeyOfFounder } from './verify/founder-key.ts';
export { type PackageSigner, type PackageTrust, verifyPackageSignature } from './verify/package-trust.ts';
export { assertGood, type PackageProblem, type PackageReport } from './verify/report.ts';
export {
  type PackageSigning,
  packageSigningOf,
  type SignedPackageBytes,
  signedPackageBytes,
  signPackage,
} from './verify/sign-package.ts';
export { type VerifyOptions, type VerifyProgress, verifyPackage } from './verify/verify-package.ts';
export { archiveSizeBytes, type SizedPath } from './zip/archive-size.ts';
export { ArchiveTarget, type ArchiveTargetOptions } from './zip/archive-target.ts';
