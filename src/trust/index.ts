/**
 * Keys, signatures, certificates, invites, TLS between nodes, tokens: who is who, and who may. Spec: docs/spec/03-trust.md.
 * Decisions are pure; only identity touches the disk.
 */
export { hasRight, isRightAuthor, KNOWN_ROLES, type KnownRole, mayAuthor, mayRead, type Right } from './access.ts';
export {
  type Authority,
  type CertificateDraft,
  type CertificateFlaw,
  certificateOfRecord,
  checkCertificate,
  checkCertificateTimes,
  type IsRevoked,
  isRevocationSigned,
  issueCertificate,
  issueCertificateRecord,
  issueRevocation,
  verifyCertificate,
} from './certificates.ts';
export { TRUST_ERRORS, TrustError, type TrustErrorCode } from './errors.ts';
export { enterMesh, type Identity, initMesh, leaveMesh, type OpenIdentityOptions, openIdentity } from './identity.ts';
export { encodeInviteCode, type InviteCode, parseInviteCode, verifyInviteTime } from './invite-code.ts';
export { isJoinProof, type JoinSide, type JoinTranscript, makeJoinProof } from './join-proof.ts';
export {
  keyFromSeed,
  makeKey,
  publicBytesOf,
  publicBytesOfId,
  publicKeyOfId,
  seedOf,
  toMeshId,
  toNodeId,
} from './keys.ts';
export { TRUST_LIMIT_TABLE, TRUST_LIMITS } from './limits.ts';
export { isRecordSigned, type RecordDraft, signRecord } from './records.ts';
export { isSignedBy, type Signer, signObject } from './signatures.ts';
export {
  MESH_CERTIFICATE_OID,
  makeTlsIdentity,
  readTlsPeer,
  type TlsIdentity,
  type TlsPeer,
  type TlsPeerCheck,
} from './tls.ts';
export {
  issueToken,
  type TokenCheck,
  type TokenGrant,
  type TokenScope,
  type VerifiedToken,
  verifyToken,
} from './tokens.ts';
