/**
 * Is this record to be believed? The table of docs/spec/02-records.md §3, cheap questions first and the signature last.
 * Pure: everything that it needs to know is asked through `RecordContext`. All of the record is in a peer's hand.
 */
import { isMeshId, type MeshId, type NodeId } from '../core/index.ts';
import {
  type NodeCertificate,
  PROTOCOL_LIMITS,
  parseCertificate,
  parseDeploymentRules,
  parseExchangeMessage,
  parseManifest,
  parseModelAccess,
  parseModelDeprecation,
  parseModelStatusPage,
  parseNodeCapabilities,
  parsePeerOutcome,
  parseRevocation,
  parseRollout,
  parseUpdateCommand,
  type RecordKind,
  type SignedRecord,
} from '../protocol/index.ts';
import {
  checkCertificate,
  checkCertificateTimes,
  isRecordSigned,
  isRevocationSigned,
  mayAuthor,
} from '../trust/index.ts';
import { MESH_LIMITS } from './limits.ts';

export const RECORD_REJECTIONS = [
  'malformed',
  'too_large',
  'other_mesh',
  'revoked_author',
  'unknown_author',
  'certificate_invalid',
  'not_allowed',
  'from_future',
  'expired',
  'bad_lifetime',
  'stale',
  'known',
  'conflict',
  'over_quota',
  'bad_signature',
  'bad_payload',
] as const;
export type RecordRejection = (typeof RECORD_REJECTIONS)[number];

export interface RecordContext {
  readonly meshId: MeshId;
  readonly nowMs: number;
  /** A certificate whose signature was verified when it came in. */
  readonly certificateOf: (nodeId: NodeId) => NodeCertificate | undefined;
  readonly isRevoked: (nodeId: NodeId) => boolean;
  readonly held: SignedRecord | undefined;
  /** Where none is held: what one of this name, now over, had for its number. */
  readonly floor: number;
  readonly wouldExceed: (record: SignedRecord, held: SignedRecord | undefined) => boolean;
}

/** Undefined when the record is good. */
export function checkRecord(record: SignedRecord, context: RecordContext): RecordRejection | undefined {
  return (
    checkAuthor(record, context) ??
    checkTimes(record, context.nowMs) ??
    checkSequence(record, context) ??
    (context.wouldExceed(record, context.held) ? 'over_quota' : undefined) ??
    (isRecordSigned(record) ? undefined : 'bad_signature') ??
    checkPayload(record, context)
  );
}

function checkAuthor(record: SignedRecord, context: RecordContext): RecordRejection | undefined {
  const { author, kind } = record;
  const ofAuthority = kind === 'certificate' || kind === 'revocation';
  if (isMeshId(author)) {
    if (author !== context.meshId) return 'other_mesh';
    return ofAuthority ? undefined : 'not_allowed';
  }
  if (context.isRevoked(author)) return 'revoked_author';
  const certificate = context.certificateOf(author);
  if (certificate === undefined) return 'unknown_author';
  if (checkCertificateTimes(certificate, context.nowMs, context.isRevoked) !== undefined) return 'certificate_invalid';
  return mayAuthor(certificate.role, kind) ? undefined : 'not_allowed';
}

function checkTimes(record: SignedRecord, nowMs: number): RecordRejection | undefined {
  if (record.issued_at > nowMs + PROTOCOL_LIMITS.clockSkewMs) return 'from_future';
  if (record.expires_at <= nowMs) return 'expired';
  const lifeMs = record.expires_at - record.issued_at;
  const longestMs = longestLifeMs(record);
  return lifeMs <= 0 || lifeMs > longestMs ? 'bad_lifetime' : undefined;
}

const ORDERS: readonly RecordKind[] = ['manifest', 'deployment', 'rules', 'rollout', 'access', 'deprecation'];

/** docs/spec/02-records.md §4. */
export function longestLifeMs({ author, kind }: SignedRecord): number {
  if (isMeshId(author)) return MESH_LIMITS.authorityRecordLifeMs;
  return ORDERS.includes(kind) ? MESH_LIMITS.orderRecordLifeMs : MESH_LIMITS.nodeRecordLifeMs;
}

/** Does it tell others what to do? */
export function isOrderKind(kind: RecordKind): boolean {
  return ORDERS.includes(kind);
}

function checkSequence(record: SignedRecord, { held, floor }: RecordContext): RecordRejection | undefined {
  if (held === undefined && record.seq <= floor) return 'stale';
  if (held === undefined || record.seq > held.seq) return undefined;
  if (record.seq < held.seq) return 'stale';
  return record.signature.signature === held.signature.signature ? 'known' : 'conflict';
}

/**
 * What the authority says carries a signature of its own, so that it can be shown outside of a record too. Words on others
 * are small, and never on their author.
 */
function checkPayload(record: SignedRecord, context: RecordContext): RecordRejection | undefined {
  try {
    if (record.kind === 'certificate') return isGoodCertificate(record, context) ? undefined : 'bad_payload';
    if (record.kind === 'revocation') return isGoodRevocation(record, context) ? undefined : 'bad_payload';
    if (record.kind === 'outcome') parsePeerOutcome(record.payload, record);
    else PAYLOADS[record.kind]?.(record.payload);
    return undefined;
  } catch {
    return 'bad_payload';
  }
}

/** What is read as soon as it comes. */
const PAYLOADS: Partial<Record<RecordKind, (payload: unknown) => unknown>> = {
  capability: parseNodeCapabilities,
  status: parseModelStatusPage,
  exchange: parseExchangeMessage,
  manifest: parseManifest,
  deployment: parseUpdateCommand,
  rules: parseDeploymentRules,
  rollout: parseRollout,
  access: parseModelAccess,
  deprecation: parseModelDeprecation,
};

function isGoodCertificate(record: SignedRecord, { meshId, nowMs }: RecordContext): boolean {
  const certificate = parseCertificate(record.payload);
  const flaw = checkCertificate(certificate, meshId, nowMs, () => false);
  return flaw === undefined && certificate.node_id === record.key;
}

function isGoodRevocation(record: SignedRecord, { meshId }: RecordContext): boolean {
  const revocation = parseRevocation(record.payload);
  return revocation.node_id === record.key && isRevocationSigned(revocation, meshId);
}
