/** Every shape of wire and disk, with its parser and its bounds. Spec: docs/spec. */
export {
  canonicalBytes,
  SIGNING_CONTEXTS,
  type SignatureBlock,
  type SigningContext,
  signatureSchema,
  signingBytes,
} from './canonical.ts';
export {
  type CatalogMessage,
  MODEL_FORMATS,
  MODEL_TYPES,
  type ModelEntry,
  type ModelFormat,
  type ModelType,
  modelEntrySchema,
  modelIdSchema,
  parseCatalogMessage,
  pieceRootSchema,
  sha256Schema,
} from './catalog.ts';
export {
  isRole,
  type NodeCertificate,
  type NodeRevocation,
  parseCertificate,
  parseRevocation,
} from './certificate.ts';
export { PROTOCOL_ERRORS, ProtocolError, type ProtocolErrorCode } from './errors.ts';
export { type FileSet, type FileSetFile, fileSetBytes, parseFileSet, toFileSet } from './file-set.ts';
export { encodeFrame, FrameDecoder } from './frames.ts';
export { type Heartbeat, parseHeartbeat } from './heartbeat.ts';
export { type Dropped, lenientObject, parseEach, reasonOf, withoutNulls } from './lenient.ts';
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
  REFUSAL_REASONS,
  type Refusal,
  type RefusalReason,
  toRefusal,
} from './membership.ts';
export { isModelId, parseModelId, parseRelativePath, toFolderName } from './names.ts';
export {
  type AuthorDigest,
  type BusyAnswer,
  type DigestsAnswer,
  type ListAnswer,
  type ListEntry,
  parseReconcileAnswer,
  parseReconcileAsk,
  type ReconcileAnswer,
  type ReconcileAsk,
  type RecordsAnswer,
} from './reconcile.ts';
export {
  parseRecord,
  RECORD_KINDS,
  type RecordAuthor,
  type RecordKind,
  recordSchema,
  type SignedRecord,
} from './record.ts';
export { compareVersions, isInRange, newestInRange } from './versions.ts';
