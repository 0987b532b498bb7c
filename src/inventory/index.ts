/**
 * What models lie on this machine already: scanners of other tools' stores and of plain folders, watched, and every file
 * hashed once in the background. Files stay where they are. Spec: docs/spec/08-inventory.md.
 */
export { describeFiles } from './describe-files.ts';
export { DescriptionMemory } from './description-memory.ts';
export { fingerprintFile } from './file-state.ts';
export { FolderScanner, llamaFarmFolder, llamaFarmScanner } from './folder-scanner.ts';
export type { FoundFile, FoundModel } from './found-model.ts';
export { hashFile } from './hash-file.ts';
export { HASH_PRIORITY, HashQueue } from './hash-queue.ts';
export { HuggingFaceScanner, huggingFaceCacheFolder } from './huggingface-scanner.ts';
export { Inventory, type InventoryEvent } from './inventory.ts';
export { MemoryHashCache } from './memory-hash-cache.ts';
export { OllamaScanner, ollamaStoreFolder } from './ollama-scanner.ts';
export type { FileHashes, HashCache } from './ports.ts';
export type { ScanContext, Scanner } from './scanner.ts';
