/** Signing and verifying records. Spec: docs/spec/02-records.md §1. */
import { type RecordAuthor, type RecordKind, SIGNING_CONTEXTS, type SignedRecord } from '../protocol/index.ts';
import { isSignedBy, type Signer, signObject } from './signatures.ts';

export interface RecordDraft {
  readonly kind: RecordKind;
  readonly key: string;
  readonly payload: Record<string, unknown>;
  readonly seq: number;
  readonly issuedAtMs: number;
  readonly ttlMs: number;
}

/** Makes the signer's record; `signer.id` becomes its author. */
export function signRecord(draft: RecordDraft, signer: Signer): SignedRecord {
  const body = {
    type: 'record' as const,
    kind: draft.kind,
    author: signer.id as RecordAuthor,
    key: draft.key,
    seq: draft.seq,
    issued_at: draft.issuedAtMs,
    expires_at: draft.issuedAtMs + draft.ttlMs,
    payload: draft.payload,
  };
  return signObject(SIGNING_CONTEXTS.record, body, signer, draft.issuedAtMs);
}

/** True when the record is signed by the author that it names. */
export function isRecordSigned(record: SignedRecord): boolean {
  return isSignedBy(SIGNING_CONTEXTS.record, record, record.author);
}
