/**
 * Blobs by SHA-256: owned and adopted, written piece by piece, verified before they have a name, pinned, counted and
 * collected; and a model's files as links to them. Spec: docs/spec/06-store.md.
 */
export { type DiskBlobStoreOptions, openDiskBlobStore } from './disk-blob-store.ts';
export { STORE_ERRORS, StoreError, type StoreErrorCode } from './errors.ts';
export { STORE_LIMITS } from './limits.ts';
export { createMemoryBlobIndex } from './memory-blob-index.ts';
export { createMemoryBlobStore, type MemoryBlobStoreOptions } from './memory-blob-store.ts';
export {
  type ModelLinkFile,
  type ModelPlace,
  modelFolder,
  placeModel,
  removeHalfBuilt,
  removeModel,
} from './model-links.ts';
export type {
  BlobIndex,
  BlobPlace,
  BlobReader,
  BlobSpec,
  BlobStat,
  BlobStore,
  BlobUsage,
  BlobWriter,
  CollectResult,
  FileState,
  PartStat,
} from './ports.ts';
