/**
 * What models lie on this machine already: scanners of other tools' stores and of plain folders, watched, and every file
 * hashed once in the background. Files stay where they are. Spec: docs/spec/08-inventory.md.
 */
export { INVENTORY_ERRORS, InventoryError, type InventoryErrorCode } from './errors.ts';
export { fingerprintFile, isSameState } from './file-state.ts';
export { FolderScanner, type FolderScannerOptions, llamaFarmFolder, llamaFarmScanner } from './folder-scanner.ts';
export { type FoundFile, type FoundModel, isSameModel, type ModelSource } from './found-model.ts';
export { hashFile, type OnChunk } from './hash-file.ts';
export type { FileHashState, VerifiedFile } from './hash-ledger.ts';
export { HASH_PRIORITY, type HashOutcome, type HashProgress, HashQueue, type HashQueueOptions } from './hash-queue.ts';
export { HuggingFaceScanner, huggingFaceCacheFolder } from './huggingface-scanner.ts';
export { Inventory, type InventoryEvent, type InventoryOptions } from './inventory.ts';
export { INVENTORY_LIMITS } from './limits.ts';
export { MemoryHashCache } from './memory-hash-cache.ts';
export { toModelId } from './model-ids.ts';
export { OllamaScanner, ollamaStoreFolder } from './ollama-scanner.ts';
export type { FileFingerprint, FileHashes, HashCache } from './ports.ts';
export type { ScanContext, Scanner } from './scanner.ts';
