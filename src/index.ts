/**
 * The library's door. Four classes, each usable by itself: a whole node (`AtmosphereNode`), the merged view of what others
 * have (`ModelCatalog`), downloads from it (`ModelTransferService`), and this machine's models served over HTTP
 * (`ModelBridge`). What is exported here is versioned with the package; everything else may change. Examples: examples/.
 * Spec: docs/spec/12-library.md.
 */
export {
  DAEMON_DEFAULTS,
  type DaemonConfig,
  type DaemonReady,
  type ModelRow,
  type NodeRow,
  type PullEvent,
  RemoteError,
  type Transfer,
} from './api/index.ts';
export {
  AtmosphereError,
  type Clock,
  Emitter,
  type ErrorKind,
  type Fault,
  type Logger,
  type NodeId,
  type RequestId,
  type Sha256,
  silentLogger,
  systemClock,
} from './core/index.ts';
export {
  AtmosphereNode,
  type AtmosphereNodeOptions,
  type BridgeCatalogMessage,
  type BridgeStats,
  type ImportOptions,
  type InviteOptions,
  ModelBridge,
  type ModelBridgeOptions,
  type NodeEvent,
  type PullOptions,
} from './daemon/index.ts';
export {
  type DownloadProgressView,
  type DownloadRequest,
  type DownloadState,
  type DownloadStates,
  ModelTransferService,
  type ModelTransferServiceOptions,
} from './node/index.ts';
export {
  type CatalogMessage,
  entryToManifest,
  estimateVramMb,
  type JsonObject,
  MANIFEST_PRESETS,
  MANIFEST_VOCABULARIES,
  type ManifestDocument,
  type ManifestPreset,
  type ManifestType,
  type ManifestVocabulary,
  type ModelEntry,
  type ModelFormat,
  type ModelManifest,
  type ModelType,
  manifestFileName,
  manifestToEntry,
  type NeedsPreset,
  parseManifest,
  parseManifestDocument,
  parseManifestText,
  toManifestDocument,
  toManifestYaml,
} from './protocol/index.ts';
export {
  type CatalogEvent,
  type CatalogModel,
  type CatalogNodeView,
  type CatalogStats,
  type FindResult,
  ModelCatalog,
  type ModelCatalogOptions,
  type ModelVariant,
  type PeerContext,
  type VariantNode,
} from './registry/index.ts';
