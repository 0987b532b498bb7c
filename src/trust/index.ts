/**
 * Keys, signatures, certificates, invites, TLS between nodes, tokens: who is who, and who may. Spec: docs/spec/03-trust.md.
 * Decisions are pure; only identity touches the disk.
 */
export { mayAuthor } from './access.ts';
export {
  type Authority,
  type CertificateFlaw,
  certificateOfRecord,
  checkCertificate,
  checkCertificateTimes,
  isRevocationSigned,
  issueCertificateRecord,
  issueRevocation,
  verifyCertificate,
} from './certificates.ts';
export {
  checkManifest,
  checkOrder,
  checkRollout,
  FLAW_WORDS,
  isCodePermitted,
  type ManifestFlaw,
  type OrderContext,
  type OrderFlaw,
  verifyOrder,
} from './check-order.ts';
export { enterMesh, type Identity, initMesh, leaveMesh, openIdentity, readIdentity } from './identity.ts';
export { encodeInviteCode, type InviteCode, parseInviteCode, verifyInviteTime } from './invite-code.ts';
export { isJoinProof, type JoinTranscript, makeJoinProof } from './join-proof.ts';
export {
  keyFromSeed,
  makeKey,
  publicBytesOf,
  publicKeyFromBytes,
  publicKeyOfId,
  seedOf,
  toMeshId,
  toNodeId,
} from './keys.ts';
export { signManifest } from './manifest-signature.ts';
export {
  MODEL_RIGHTS,
  type ModelRight,
  mayDeploy,
  mayRead,
  mayWrite,
  policyInForce,
  rolesWith,
} from './model-access.ts';
export { keyHint, makeModelBundle, readModelBundle, type SignedFile } from './model-bundle.ts';
export { isRecordSigned, signRecord } from './records.ts';
export { isSignedBy, type Signer, signObject } from './signatures.ts';
export {
  makeTlsIdentity,
  readTlsPeer,
  type TlsIdentity,
} from './tls.ts';
export {
  issueToken,
  verifyToken,
} from './tokens.ts';
