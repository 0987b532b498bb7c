/**
 * Blobs by SHA-256: owned and adopted, written piece by piece, verified before they have a name, pinned, counted and
 * collected; and a model's files as links to them. Spec: docs/spec/06-store.md.
 */
export { linkCurrent, unlinkCurrent } from './current-link.ts';
export { openDiskBlobStore } from './disk-blob-store.ts';
export { StoreError } from './errors.ts';
export { STORE_LIMITS } from './limits.ts';
export { moveAside, placeLinks, swapLink } from './linked-folder.ts';
export { createMemoryBlobIndex } from './memory-blob-index.ts';
export { createMemoryBlobStore } from './memory-blob-store.ts';
export {
  modelFolder,
  placeModel,
  removeHalfBuilt,
  removeModel,
} from './model-links.ts';
export type {
  BlobReader,
  BlobSpec,
  BlobStore,
  BlobWriter,
  PartReader,
} from './ports.ts';
