/** Signing and verifying JSON objects. Spec: docs/spec/03-trust.md §2. */
import { type KeyObject, sign, verify } from 'node:crypto';
import type { MeshId, NodeId } from '../core/index.ts';
import { type SignatureBlock, type SigningContext, signingBytes } from '../protocol/index.ts';
import { publicKeyOfId } from './keys.ts';

export interface Signer {
  readonly id: NodeId | MeshId;
  readonly privateKey: KeyObject;
}

/** Returns the object with its signature block. */
export function signObject<Body extends object>(
  context: SigningContext,
  body: Body,
  signer: Signer,
  nowMs: number,
): Body & { signature: SignatureBlock } {
  const signature = sign(null, signingBytes(context, body), signer.privateKey);
  return {
    ...body,
    signature: {
      signer: signer.id,
      algorithm: 'ed25519',
      signature: `base64:${signature.toString('base64')}`,
      signed_at: new Date(nowMs).toISOString(),
    },
  };
}

/** True when `signer` signed the object for this context. Answers false, never throws, for ids that are no keys. */
export function isSignedBy(
  context: SigningContext,
  object: { readonly signature: SignatureBlock },
  signer: NodeId | MeshId,
): boolean {
  if (object.signature.signer !== signer) return false;
  const signature = Buffer.from(object.signature.signature.slice('base64:'.length), 'base64');
  try {
    return verify(null, signingBytes(context, object), publicKeyOfId(signer), signature);
  } catch {
    return false;
  }
}
