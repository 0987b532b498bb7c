/**
 * What a signature covers: the RFC 8785 (JCS) bytes of the object without its `signature`, after a context line that
 * names the kind, so that a signature for one kind never serves another. Spec: docs/spec/03-trust.md §2.
 */
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { ProtocolError } from './errors.ts';

/** One context a kind of signed object. Changing a kind's meaning takes a new version here. */
export const SIGNING_CONTEXTS = {
  certificate: 'atmosphere/certificate/v1',
  revocation: 'atmosphere/revocation/v1',
  record: 'atmosphere/record/v1',
  manifest: 'atmosphere/manifest/v1',
  rollout: 'atmosphere/rollout/v1',
  package: 'atmosphere/package/v1',
  custody: 'atmosphere/custody/v1',
} as const;
export type SigningContext = (typeof SIGNING_CONTEXTS)[keyof typeof SIGNING_CONTEXTS];

/** The signature block of docs/spec/03-trust.md §2. */
export const signatureSchema = z.object({
  signer: z.string().min(1).max(100),
  algorithm: z.literal('ed25519'),
  signature: z.string().regex(/^base64:[A-Za-z0-9+/]{86}==$/),
  signed_at: z.iso.datetime(),
});
export type SignatureBlock = z.infer<typeof signatureSchema>;

/** RFC 8785 bytes. Throws ProtocolError `malformed` for what JSON cannot carry (NaN, bigint, lone surrogates). */
export function canonicalBytes(value: unknown): Buffer {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (cause) {
    throw new ProtocolError('malformed', 'Making canonical JSON: the value holds what JSON cannot carry', { cause });
  }
  if (text === undefined) throw new ProtocolError('malformed', 'Making canonical JSON: there is no value');
  return Buffer.from(text, 'utf8');
}

/** The bytes to sign: context, line feed, canonical bytes of `body` without `signature`. */
export function signingBytes(context: SigningContext, body: object): Buffer {
  const { signature: _left_out, ...rest } = body as Record<string, unknown>;
  return Buffer.concat([Buffer.from(`${context}\n`, 'utf8'), canonicalBytes(rest)]);
}
