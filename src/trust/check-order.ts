/**
 * Is a manifest, an order or a rollout to be followed? Spec: docs/spec/20-access.md §2. Pure. All of it is in the hand of whoever
 * sent it; roles come from the mesh's certificates, rights from the policy. Asked by the node that applies.
 */
import { isNodeId, type NodeId } from '../core/index.ts';
import {
  type ModelAccess,
  type NodeCertificate,
  SIGNING_CONTEXTS,
  type SignatureBlock,
  type SigningContext,
  shortManifest,
} from '../protocol/index.ts';
import { checkCertificateTimes } from './certificates.ts';
import { TrustError } from './errors.ts';
import { mayDeploy, mayShipCode, mayWrite, rolesWith } from './model-access.ts';
import { isSignedBy } from './signatures.ts';

export const MANIFEST_FLAWS = [
  'manifest_unsigned',
  'signer_unknown',
  'signer_revoked',
  'signer_expired',
  'manifest_signature_wrong',
  'write_not_permitted',
] as const;
export type ManifestFlaw = (typeof MANIFEST_FLAWS)[number];

export const ORDER_FLAWS = [
  'orderer_unknown',
  'orderer_revoked',
  'orderer_expired',
  'order_unsigned',
  'order_signature_wrong',
  'deploy_not_permitted',
  ...MANIFEST_FLAWS,
] as const;
export type OrderFlaw = (typeof ORDER_FLAWS)[number];

export interface OrderContext {
  /** A certificate whose signature was verified when it came in. */
  readonly certificateOf: (nodeId: NodeId) => NodeCertificate | undefined;
  readonly isRevoked: (nodeId: NodeId) => boolean;
  readonly policy: ModelAccess | undefined;
  readonly nowMs: number;
}

/** The signature covers every field of its short form (16-manifests §8). */
export interface SignedModel {
  readonly model_id: string;
  readonly signature?: SignatureBlock | undefined;
}

export interface Order {
  /** Of the record that was verified, or the one who signed the rollout. */
  readonly author: string;
  readonly action?: 'deploy' | 'remove';
  readonly manifest: SignedModel;
}

/** The first thing wrong with a manifest, or undefined when a current member who may write signed it. */
export function checkManifest(manifest: SignedModel, context: OrderContext): ManifestFlaw | undefined {
  const { signature, model_id } = manifest;
  if (signature === undefined) return 'manifest_unsigned';
  const standing = standingOf(signature.signer, context);
  if (typeof standing === 'string') return `signer_${standing}`;
  if (!isSignedOnce(manifest, () => isSigned(SIGNING_CONTEXTS.manifest, { ...shortManifest(manifest), signature })))
    return 'manifest_signature_wrong';
  return mayWrite(context.policy, model_id, standing.role) ? undefined : 'write_not_permitted';
}

/**
 * The first thing wrong with an order whose record was accepted. One who may write vouches by its order for a manifest that
 * nobody signed, or somebody who may not; never for a signature that is wrong or of a node that was put out.
 */
export function checkOrder({ author, action, manifest }: Order, context: OrderContext): OrderFlaw | undefined {
  const standing = standingOf(author, context);
  if (typeof standing === 'string') return `orderer_${standing}`;
  if (!mayDeploy(context.policy, manifest.model_id, standing.role)) return 'deploy_not_permitted';
  if (action === 'remove') return undefined;
  const flaw = checkManifest(manifest, context);
  const isVouchedFor = flaw !== undefined && VOUCHED.has(flaw);
  return isVouchedFor && mayWrite(context.policy, manifest.model_id, standing.role) ? undefined : flaw;
}

const VOUCHED: ReadonlySet<ManifestFlaw> = new Set([
  'manifest_unsigned',
  'signer_unknown',
  'signer_expired',
  'write_not_permitted',
]);

/** A rollout's spec is signed for itself: its record's author is whoever coordinates now. */
export interface SignedRollout {
  readonly ordered_by: string;
  readonly manifest: SignedModel;
  readonly previous?: SignedModel | undefined;
  readonly signature?: SignatureBlock | undefined;
}

/** As `checkOrder`, for the one who ordered the rollout; what it goes back to is looked at as what it goes to. */
export function checkRollout(spec: SignedRollout, context: OrderContext): OrderFlaw | undefined {
  const { ordered_by: author, manifest, previous, signature } = spec;
  if (signature === undefined) return 'order_unsigned';
  if (
    signature.signer !== author ||
    !isSignedOnce(spec, () => isSigned(SIGNING_CONTEXTS.rollout, { ...spec, signature }))
  )
    return 'order_signature_wrong';
  const flaw = checkOrder({ author, manifest }, context);
  return flaw ?? (previous === undefined ? undefined : checkOrder({ author, manifest: previous }, context));
}

/** May the one who vouches for the model (its signer, else who ordered it) ship a format that runs code? */
export function isCodePermitted({ author, manifest }: Order, context: OrderContext): boolean {
  const isSigner = checkManifest(manifest, context) === undefined;
  const standing = standingOf(isSigner ? (manifest.signature?.signer ?? author) : author, context);
  return typeof standing !== 'string' && mayShipCode(context.policy, manifest.model_id, standing.role);
}

/** Throws TrustError `manifest_refused` with `data.reason`, a ManifestFlaw. */
export function verifyManifest(manifest: SignedModel, context: OrderContext): void {
  const reason = checkManifest(manifest, context);
  if (reason !== undefined)
    throw refusal('manifest_refused', `Checking the manifest of ${manifest.model_id}`, FLAW_WORDS[reason], reason);
}

/** Throws TrustError `order_refused` with `data.reason`, an OrderFlaw. */
export function verifyOrder(order: Order, context: OrderContext): void {
  const reason = checkOrder(order, context);
  if (reason === undefined) return;
  const words = reason === 'deploy_not_permitted' ? notPermitted(order, context) : FLAW_WORDS[reason];
  throw refusal('order_refused', `Checking an order for ${order.manifest.model_id}`, words, reason);
}

/** Which role was not enough, and which would be. */
function notPermitted({ author, manifest }: Order, context: OrderContext): string {
  const standing = standingOf(author, context);
  const role = typeof standing === 'string' ? standing : standing.role;
  const roles = rolesWith('deploy', context.policy, manifest.model_id);
  return `the role ${role} may not deploy it; ${roles.length === 0 ? 'nobody may' : `these may: ${roles.join(', ')}`}`;
}

function refusal(code: 'manifest_refused' | 'order_refused', action: string, words: string, reason: OrderFlaw) {
  return new TrustError(code, `${action}: ${words}`, { data: { reason } });
}

/** For people. */
export const FLAW_WORDS: Readonly<Record<OrderFlaw, string>> = {
  orderer_unknown: 'whoever gave it is no member',
  orderer_revoked: 'whoever gave it was put out of the mesh',
  orderer_expired: 'the certificate of whoever gave it has expired',
  order_unsigned: 'nobody signed it',
  order_signature_wrong: 'its signature is not of the one who is said to have given it',
  deploy_not_permitted: 'the role of whoever gave it may not deploy this model',
  manifest_unsigned: 'nobody signed the manifest, and whoever ordered it may not write this model',
  signer_unknown: 'the manifest’s signer is no member',
  signer_revoked: 'the manifest’s signer was put out of the mesh; let another sign it',
  signer_expired: 'the certificate of the manifest’s signer has expired',
  manifest_signature_wrong: 'the manifest is not as its signer signed it',
  write_not_permitted: 'the role of the manifest’s signer may not write this model',
};

function standingOf(id: string, context: OrderContext): NodeCertificate | 'unknown' | 'revoked' | 'expired' {
  if (!isNodeId(id)) return 'unknown';
  if (context.isRevoked(id)) return 'revoked';
  const certificate = context.certificateOf(id);
  if (certificate === undefined) return 'unknown';
  return checkCertificateTimes(certificate, context.nowMs, context.isRevoked) === undefined ? certificate : 'expired';
}

const VERDICTS = new WeakMap<object, boolean>();

/** An object's signature holds or does not: that is found out once, for plans ask about each order at each look. Roles and times are asked anew. */
function isSignedOnce(object: object, verify: () => boolean): boolean {
  const known = VERDICTS.get(object) ?? verify();
  VERDICTS.set(object, known);
  return known;
}

function isSigned(context: SigningContext, object: { readonly signature: SignatureBlock }): boolean {
  const { signer } = object.signature;
  return isNodeId(signer) && isSignedBy(context, object, signer);
}
