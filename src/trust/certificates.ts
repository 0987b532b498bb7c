/** The authority's words about nodes: issued here, checked here. Spec: docs/spec/03-trust.md §3, §4. */
import type { MeshId, NodeId } from '../core/index.ts';
import {
  type NodeCertificate,
  type NodeRevocation,
  PROTOCOL_LIMITS,
  parseCertificate,
  SIGNING_CONTEXTS,
  type SignedRecord,
} from '../protocol/index.ts';
import { TrustError } from './errors.ts';
import { TRUST_LIMITS } from './limits.ts';
import { signRecord } from './records.ts';
import { isSignedBy, type Signer, signObject } from './signatures.ts';

/** The signing side of a mesh; `id` is the mesh id. */
export interface Authority extends Signer {
  readonly id: MeshId;
}

export interface CertificateDraft {
  readonly nodeId: NodeId;
  readonly role: string;
  readonly name: string;
  /** Also the sequence number of its record. */
  readonly serial: number;
  readonly nowMs: number;
  readonly lifeMs?: number;
}

export type CertificateFlaw = 'other_mesh' | 'bad_signature' | 'not_yet_valid' | 'expired' | 'revoked';

/** What is needed to know of revocations: true for a node that the authority has put out. */
export type IsRevoked = (nodeId: NodeId) => boolean;

export function issueCertificate(authority: Authority, draft: CertificateDraft): NodeCertificate {
  const body = {
    type: 'node_certificate' as const,
    mesh_id: authority.id,
    node_id: draft.nodeId,
    role: draft.role,
    name: draft.name,
    serial: draft.serial,
    issued_at: draft.nowMs,
    expires_at: draft.nowMs + (draft.lifeMs ?? TRUST_LIMITS.certificateLifeMs),
  };
  return signObject(SIGNING_CONTEXTS.certificate, body, authority, draft.nowMs);
}

/** The certificate in the form in which it travels and is kept: a record of the authority. */
export function issueCertificateRecord(authority: Authority, draft: CertificateDraft): SignedRecord {
  const payload = issueCertificate(authority, draft);
  const ttlMs = payload.expires_at - payload.issued_at;
  return signRecord(
    { kind: 'certificate', key: draft.nodeId, payload, seq: draft.serial, issuedAtMs: draft.nowMs, ttlMs },
    authority,
  );
}

export function issueRevocation(
  authority: Authority,
  draft: { readonly nodeId: NodeId; readonly reason: string; readonly nowMs: number },
): NodeRevocation {
  const body = {
    type: 'node_revocation' as const,
    mesh_id: authority.id,
    node_id: draft.nodeId,
    revoked_at: draft.nowMs,
    reason: draft.reason,
  };
  return signObject(SIGNING_CONTEXTS.revocation, body, authority, draft.nowMs);
}

/** The first thing wrong with a certificate in the order of §3.2, or undefined when it holds. Pure. */
export function checkCertificate(
  certificate: NodeCertificate,
  meshId: MeshId,
  nowMs: number,
  isRevoked: IsRevoked,
): CertificateFlaw | undefined {
  if (certificate.mesh_id !== meshId) return 'other_mesh';
  if (!isSignedBy(SIGNING_CONTEXTS.certificate, certificate, meshId)) return 'bad_signature';
  return checkCertificateTimes(certificate, nowMs, isRevoked);
}

/** The part of the check that changes with time, for a certificate whose signature was verified before. */
export function checkCertificateTimes(
  certificate: NodeCertificate,
  nowMs: number,
  isRevoked: IsRevoked,
): CertificateFlaw | undefined {
  if (certificate.issued_at > nowMs + PROTOCOL_LIMITS.clockSkewMs) return 'not_yet_valid';
  if (certificate.expires_at <= nowMs) return 'expired';
  return isRevoked(certificate.node_id) ? 'revoked' : undefined;
}

/** Throws TrustError `certificate_invalid` with `data.reason`. */
export function verifyCertificate(
  certificate: NodeCertificate,
  meshId: MeshId,
  nowMs: number,
  isRevoked: IsRevoked,
): void {
  const reason = checkCertificate(certificate, meshId, nowMs, isRevoked);
  if (reason === undefined) return;
  throw new TrustError('certificate_invalid', `Checking the certificate of ${certificate.node_id}: ${reason}`, {
    data: { reason, nodeId: certificate.node_id },
  });
}

export function isRevocationSigned(revocation: NodeRevocation, meshId: MeshId): boolean {
  return revocation.mesh_id === meshId && isSignedBy(SIGNING_CONTEXTS.revocation, revocation, meshId);
}

/** The certificate in a record of kind `certificate`. Throws ProtocolError `malformed`. */
export function certificateOfRecord(record: SignedRecord): NodeCertificate {
  return parseCertificate(record.payload);
}
