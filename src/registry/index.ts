/**
 * What a node remembers (one SQLite database behind narrow repositories, the home lock, the readable view) and the merged
 * view of what others have, with the choice of a peer. Spec: docs/spec/09-registry.md.
 */
export type { BlobIndexRepository } from './blob-index.ts';
export type { CatalogEndpoints } from './catalog-node.ts';
export type {
  CatalogEvent,
  CatalogModel,
  CatalogNodeView,
  CatalogStats,
  FindResult,
  ModelCatalogOptions,
  PeerContext,
  WordOptions,
} from './catalog-types.ts';
export { isSameClaim, type ModelVariant, type VariantNode } from './catalog-variant.ts';
export { REGISTRY_ERRORS, RegistryError, type RegistryErrorCode } from './errors.ts';
export type { HashCacheRepository } from './hash-cache.ts';
export { acquireHomeLock, type HomeLock } from './home-lock.ts';
export type { InviteRepository } from './invites.ts';
export { REGISTRY_LIMITS } from './limits.ts';
export { ModelCatalog } from './model-catalog.ts';
export type {
  FileFingerprintFields,
  LocalModel,
  LocalModelFile,
  LocalModelKey,
  LocalModelState,
  ModelRepository,
} from './models.ts';
export {
  expectedSeconds,
  type PeerCandidate,
  type PeerChoiceContext,
  type PeerPath,
  type PeerStats,
  rankPeers,
} from './peer-choice.ts';
export type { PeerRepository, RememberedAddress } from './peers.ts';
export type { PieceListRepository, StoredPieceList } from './piece-lists.ts';
export type { RecordRepository } from './records.ts';
export { openRegistry, type Registry } from './registry.ts';
export { type RegistryViewModel, toRegistryYaml, writeRegistryView } from './registry-view.ts';
export type { ReliabilityRepository } from './reliability.ts';
export type { SettingsRepository } from './settings.ts';
export type { StoredTransfer, TransferRepository, TransferState } from './transfers.ts';
