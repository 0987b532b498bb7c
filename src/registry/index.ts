/**
 * What a node remembers (one SQLite database behind narrow repositories, the home lock, the readable view) and the merged
 * view of what others have, with the choice of a peer. Spec: docs/spec/09-registry.md.
 */
export {
  AUDIT_EVENTS,
  type AuditEntry,
  type AuditEventName,
  type AuditHead,
  type AuditVerdict,
} from './audit-log.ts';
export type { CatalogEndpoints } from './catalog-node.ts';
export type {
  CatalogEvent,
  CatalogModel,
  CatalogNodeView,
  CatalogStats,
  FindResult,
  ModelCatalogOptions,
  PeerContext,
} from './catalog-types.ts';
export { isSameClaim, type ModelVariant, type VariantNode } from './catalog-variant.ts';
export type { Consent } from './consents.ts';
export type { DeploymentRepository, PinRepository, StoredDeployment } from './deployments.ts';
export type { DifferenceRepository, StoredDifference } from './differences.ts';
export { acquireHomeLock } from './home-lock.ts';
export { REGISTRY_LIMITS } from './limits.ts';
export type { ManifestRepository, ManifestRowKey, StoredManifest } from './manifests.ts';
export { type MeshViewVersion, writeMeshView } from './mesh-view.ts';
export { ModelCatalog } from './model-catalog.ts';
export type {
  LocalModel,
  LocalModelFile,
} from './models.ts';
export type {
  KeptMember,
  PackageJournalRow,
  PackageModel,
  PackageRepository,
  PackageRow,
  PackageVersion,
  TrustedParty,
} from './packages.ts';
export {
  type PeerPath,
  rankPeers,
} from './peer-choice.ts';
export type { PeerStats } from './peer-stats.ts';
export { type Beliefs, readBeliefs } from './read-beliefs.ts';
export { openRegistry, type Registry } from './registry.ts';
export { type RegistryViewModel, writeRegistryView } from './registry-view.ts';
export {
  type PeerReport,
  type PeerWords,
  type Standing,
  standingOf,
  type VerdictCounts,
  weighReports,
} from './standing.ts';
export type { StoredTransfer } from './transfers.ts';
