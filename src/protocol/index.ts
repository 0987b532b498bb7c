/** Every shape of wire and disk, with its parser and its bounds. Spec: docs/spec. */
export {
  BLOB_STREAM_PROTOCOL,
  type BlobStreamErrorWord,
  type BlobStreamHead,
  type BlobStreamRequest,
  encodeBlobStreamFrame,
  parseBlobStreamHead,
  parseBlobStreamRequest,
  SmallFrame,
} from './blob-stream.ts';
export {
  canonicalBytes,
  SIGNING_CONTEXTS,
  type SignatureBlock,
  type SigningContext,
  signingBytes,
} from './canonical.ts';
export {
  type CatalogMessage,
  isPackageEntry,
  MODEL_FORMATS,
  MODEL_TYPES,
  type ModelEntry,
  type ModelFormat,
  type ModelType,
  modelEntrySchema,
  modelKindOf,
  PACKAGE_FORMAT,
  PACKAGE_TYPE,
  parseCatalogMessage,
} from './catalog.ts';
export {
  isRole,
  type NodeCertificate,
  type NodeRevocation,
  parseCertificate,
  parseRevocation,
} from './certificate.ts';
export { type NodeCapabilities, parseNodeCapabilities } from './deploy/capability.ts';
export { type ModelDeprecation, parseModelDeprecation } from './deploy/deprecation.ts';
export {
  type ExchangeMessage,
  type ModelAvailable,
  type ModelOffer,
  type ModelWanted,
  parseExchangeMessage,
} from './deploy/exchange.ts';
export { type Ancestor, lineageOf, type ParentRef, parseParentRef } from './deploy/lineage.ts';
export {
  type ManifestType,
  type ModelManifest,
  manifestKey,
  parseManifest,
} from './deploy/manifest.ts';
export {
  MANIFEST_VOCABULARIES,
  type ManifestDocument,
  type ManifestVocabulary,
  parseManifestDocument,
  parseManifestPart,
  parseManifestText,
  toManifestDocument,
  toManifestYaml,
} from './deploy/manifest-document.ts';
export { entryToManifest, manifestToEntry, toCatalogType } from './deploy/manifest-entry.ts';
export { manifestFileName } from './deploy/manifest-file-name.ts';
export {
  MANIFEST_PRESETS,
  type ManifestPreset,
  type NeedsPreset,
  presetNamed,
} from './deploy/manifest-presets.ts';
export { shortManifest } from './deploy/manifest-short.ts';
export { type AccessEntry, type ModelAccess, parseModelAccess } from './deploy/model-access.ts';
export {
  isInForce,
  MODEL_STATUSES,
  type ModelStatusEntry,
  type ModelStatusPage,
  type ModelStatusWord,
  parseModelStatusPage,
} from './deploy/model-status.ts';
export { estimateVramMb } from './deploy/quantization.ts';
export {
  areGrowingWaves,
  parseRollout,
  ROLLOUT_PHASES,
  type Rollout,
  type RolloutPhase,
  type RolloutSpec,
  type RolloutState,
  rolloutIdOf,
  rolloutSpecSchema,
} from './deploy/rollout.ts';
export { type DeploymentRule, parseDeploymentRules, ruleSchema, timesOfAll } from './deploy/rules.ts';
export { parseUpdateCommand, type Target, type UpdateCommand } from './deploy/update-command.ts';
export {
  type DifferenceAnswer,
  type DifferenceLink,
  differenceAnswerSchema,
  encodeDifferenceAnswer,
  parseDifferenceAnswer,
  totalBytesOf,
} from './difference-answer.ts';
export { ProtocolError } from './errors.ts';
export { type FileSetFile, fileSetBytes, parseFileSet, toFileSet } from './file-set.ts';
export { encodeFrame, FrameDecoder } from './frames.ts';
export {
  encodeHaveFrame,
  type HaveFrame,
  HaveFrameDecoder,
} from './have-frames.ts';
export { bitsBeyond, type HaveState, planHaveNews } from './have-news.ts';
export { type Heartbeat, parseHeartbeat } from './heartbeat.ts';
export { isCalled } from './is-called.ts';
export { wordsOfIssue } from './issue-words.ts';
export { isJsonObject, isSameJson, type JsonObject } from './json-shape.ts';
export { PROTOCOL_LIMITS } from './limits.ts';
export {
  type Hello,
  type JoinAccept,
  type JoinChallenge,
  type JoinProofMessage,
  type JoinRequest,
  parseHello,
  parseJoinMessage,
  parseJoinReply,
  type Refusal,
  type RefusalReason,
  toRefusal,
} from './membership.ts';
export { isModelId, parseModelId, parseRelativePath, toFolderName } from './names.ts';
export { type PeerOutcome, parsePeerOutcome } from './outcome.ts';
export {
  CUSTODY_START,
  type CustodyAction,
  type CustodyLine,
  custodyHash,
  formatCustodyLine,
  parseCustodyLine,
  splitCustody,
} from './package/custody.ts';
export {
  type DeltaManifest,
  type DeltaMember,
  type DifferenceStep,
  formatDeltaManifest,
  parseDeltaManifest,
  type SectionChanges,
} from './package/delta-manifest.ts';
export { type Mission, parseMission, readModelRef } from './package/mission.ts';
export { packagedModelEntry } from './package/package-entry.ts';
export {
  formatPackageManifest,
  type PackageAbout,
  type PackageContents,
  type PackagedModel,
  type PackageManifest,
  type PackageSignatures,
  parsePackageManifest,
} from './package/package-manifest.ts';
export {
  digestOf,
  fileSetOf,
  isOfTier,
  membersOfTier,
  type PackageMember,
  packageMembers,
} from './package/package-members.ts';
export {
  isPackageId,
  isPackageVersion,
  PACKAGE_EXTENSION,
  PACKAGE_FILES,
  PACKAGE_SECTIONS,
  type PackageSection,
  packageIdSchema,
  packageName,
  packageVersionSchema,
  parsePackageId,
  parsePackageVersion,
  readPackageRef,
} from './package/package-names.ts';
export { packageDigest, packageSigningBytes } from './package/package-signing.ts';
export { readableSize, sizeInMb } from './package/package-size.ts';
export { formatSiteInventory, parseSiteInventory, type SiteInventory } from './package/site-inventory.ts';
export { compareTiers, PACKAGE_TIERS, type PackageTier, readTier, tierSchema } from './package/tier.ts';
export {
  type AuthorDigest,
  type ListEntry,
  parseReconcileAnswer,
  parseReconcileAsk,
  type ReconcileAnswer,
  type ReconcileAsk,
} from './reconcile.ts';
export {
  parseRecord,
  type RecordAuthor,
  type RecordKind,
  type SignedRecord,
} from './record.ts';
export { digestKey } from './record-key.ts';
export {
  encodeAckFrame,
  isBinaryRequestId,
  parseTransferFrame,
  TRANSFER_FRAME_HEAD_BYTES,
  writeDataFrameHead,
} from './transfer-frames.ts';
export {
  type CancelReason,
  encodeTransferMessage,
  type OutgoingTransferMessage,
  parseTransferMessage,
  type TransferCancel,
  type TransferMessage,
  type TransferRequest,
  type TransferStart,
  typeOf as transferTypeOf,
} from './transfer-messages.ts';
export { UploadSlots } from './upload-slots.ts';
export { compareVersions, isInRange, newestInRange } from './versions.ts';
export { parseYamlText, type YamlProblem, type YamlText } from './yaml-text.ts';
