/**
 * Packages for places without a network: the archive, its unpacked form, its parts, and what makes one that is believed. Every way in is a
 * PackageSource, every way out a PackageTarget. Spec: docs/spec/21-packages.md.
 */
export { Copier, type CopyOrder } from './copy/copier.ts';
export type { MemberDigests } from './copy/member-digest.ts';
export { AtmoError, type AtmoErrorCode } from './errors.ts';
export { ATMO_LIMITS } from './limits.ts';
export { type CheckOptions, checkParts, type PartPlace, type PartReport, type PartState } from './parts/check-parts.ts';
export { DVD_PART_BYTES, FAT32_FILE_BYTES, parsePartSize } from './parts/part-size.ts';
export { type Accepted, type AcceptOptions, type InboxStatus, PartsInbox } from './parts/parts-inbox.ts';
export {
  encodePartsIndex,
  indexDigest,
  indexName,
  type PartFile,
  type PartsIndex,
  parsePartsIndex,
  partName,
} from './parts/parts-index.ts';
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
export { PathSet } from './source/path-set.ts';
export { type PackageForm, recognisePackage } from './source/recognise.ts';
export { archiveSizeBytes, type SizedPath } from './zip/archive-size.ts';
export { ArchiveTarget, type ArchiveTargetOptions } from './zip/archive-target.ts';
