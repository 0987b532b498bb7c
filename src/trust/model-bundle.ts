/**
 * A model's signature in the form of OpenSSF model signing: a Sigstore bundle with a DSSE envelope around an in-toto statement that
 * names every file and its digest. Signed by a node's key, without a network; read from whoever made it. All of a bundle is in a
 * stranger's hand until its signature is checked. Spec: docs/spec/20-access.md §8.
 */
import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { isSha256, messageOf, type Sha256 } from '../core/index.ts';
import { PROTOCOL_LIMITS, parseRelativePath } from '../protocol/index.ts';
import { TrustError } from './errors.ts';
import { toPublicKey } from './keys.ts';
import { TRUST_LIMITS } from './limits.ts';

const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PREDICATE_TYPE = 'https://model_signing/signature/v1.0';

export const BUNDLE_FLAWS = [
  'too_large',
  'malformed',
  'unknown_key',
  'bad_signature',
  'other_predicate',
  'other_hash',
  'unsafe_path',
  'wrong_root',
] as const;
export type BundleFlaw = (typeof BUNDLE_FLAWS)[number];

export interface SignedFile {
  /** In the model, with slashes. */
  readonly path: string;
  readonly sha256: Sha256;
}

export interface SignedFiles {
  readonly modelName: string;
  readonly files: readonly SignedFile[];
}

export interface ReadBundle extends SignedFiles {
  readonly key: KeyObject;
}

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/);

const bundleSchema = z.object({
  mediaType: z.string().startsWith('application/vnd.dev.sigstore.bundle'),
  verificationMaterial: z.object({ publicKey: z.object({ hint: z.string().max(200).default('') }) }),
  dsseEnvelope: z.object({
    payload: base64,
    payloadType: z.literal(PAYLOAD_TYPE),
    signatures: z.array(z.object({ sig: base64 })).length(1),
  }),
});

const statementSchema = z.object({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(z.object({ name: z.string().max(1000), digest: z.object({ sha256: z.string() }) })).length(1),
  predicateType: z.string(),
  predicate: z.object({
    serialization: z.looseObject({ method: z.string(), hash_type: z.string() }),
    resources: z
      .array(z.object({ name: z.string(), algorithm: z.string(), digest: z.string() }))
      .min(1)
      .max(PROTOCOL_LIMITS.fileSetFiles),
  }),
});

/** The JSON of the bundle, files in the order of their paths. */
export function makeModelBundle({ modelName, files }: SignedFiles, privateKey: KeyObject): string {
  const ordered = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const resources = ordered.map(({ path, sha256 }) => ({ name: path, algorithm: 'sha256', digest: sha256 }));
  const statement = {
    _type: STATEMENT_TYPE,
    subject: [{ name: modelName, digest: { sha256: rootOf(ordered) } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      serialization: { method: 'files', hash_type: 'sha256', allow_symlinks: false, ignore_paths: [] },
      resources,
    },
  };
  const payload = Buffer.from(JSON.stringify(statement));
  const sig = sign(null, preAuthEncoding(payload), privateKey).toString('base64');
  return JSON.stringify({
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint: keyHint(privateKey) }, tlogEntries: [] },
    dsseEnvelope: { payload: payload.toString('base64'), payloadType: PAYLOAD_TYPE, signatures: [{ sig, keyid: '' }] },
  });
}

/** How a bundle names a key: SHA-256 in hex of its public half as PEM. */
export function keyHint(key: KeyObject): string {
  const pem = toPublicKey(key).export({ format: 'pem', type: 'spki' });
  return createHash('sha256').update(pem).digest('hex');
}

/**
 * What the owner of one of these keys signed: Ed25519, or ECDSA on P-256, P-384 or P-521 as others make them. Throws TrustError
 * `bundle_refused` with `data.reason`, a BundleFlaw. A bundle of a certificate authority is refused: nothing here says which to trust.
 */
export function readModelBundle(text: string, keys: readonly KeyObject[]): ReadBundle {
  if (text.length > TRUST_LIMITS.modelBundleChars)
    throw refused('too_large', `over ${TRUST_LIMITS.modelBundleChars} characters`);
  const { verificationMaterial, dsseEnvelope } = parseWith(bundleSchema, text);
  const key = chooseKey(verificationMaterial.publicKey.hint, keys);
  const payload = Buffer.from(dsseEnvelope.payload, 'base64');
  const signature = Buffer.from(dsseEnvelope.signatures[0]?.sig ?? '', 'base64');
  if (!isSignature(key, payload, signature)) throw refused('bad_signature', 'its signature is not by that key');
  return { ...readStatement(payload.toString('utf8')), key };
}

function chooseKey(hint: string, keys: readonly KeyObject[]): KeyObject {
  const [only, ...others] = hint === '' ? keys : keys.filter((key) => keyHint(key) === hint);
  if (only !== undefined && others.length === 0) return only;
  throw refused('unknown_key', hint === '' ? 'it names no key' : `it is signed by the key ${hint}, which is not known`);
}

function isSignature(key: KeyObject, payload: Buffer, signature: Buffer): boolean {
  const hash = HASH_OF_CURVE[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? null;
  if (key.asymmetricKeyType !== 'ed25519' && hash === null)
    throw refused('unknown_key', 'keys of that kind are not taken');
  try {
    return verify(hash, preAuthEncoding(payload), toPublicKey(key), signature);
  } catch {
    return false;
  }
}

const HASH_OF_CURVE: Readonly<Record<string, string>> = {
  prime256v1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
};

function readStatement(text: string): SignedFiles {
  const { subject, predicateType, predicate } = parseWith(statementSchema, text);
  if (predicateType !== PREDICATE_TYPE) throw refused('other_predicate', `it is about ${predicateType.slice(0, 100)}`);
  const { method, hash_type: hashType } = predicate.serialization;
  const files = predicate.resources.map(({ name: path, algorithm, digest }) => {
    if (method !== 'files' || hashType !== 'sha256' || algorithm !== 'sha256' || !isSha256(digest))
      throw refused('other_hash', `${method} by ${hashType}; SHA-256 of whole files is wanted`);
    return { path: safePath(path), sha256: digest };
  });
  const isTwice = new Set(files.map(({ path }) => path)).size !== files.length;
  if (isTwice || subject[0]?.digest.sha256 !== rootOf(files))
    throw refused('wrong_root', 'its digest is not that of its files');
  return { modelName: subject[0]?.name ?? '', files };
}

function safePath(path: string): string {
  try {
    return parseRelativePath(path);
  } catch (cause) {
    throw refused('unsafe_path', messageOf(cause).slice(0, 200), cause);
  }
}

/** Over the digests as bytes, in the order in which they are listed. */
function rootOf(files: readonly SignedFile[]): string {
  const hash = createHash('sha256');
  for (const { sha256 } of files) hash.update(Buffer.from(sha256, 'hex'));
  return hash.digest('hex');
}

/** What a DSSE envelope's signature covers. */
function preAuthEncoding(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `), payload]);
}

function parseWith<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw refused('malformed', messageOf(cause).slice(0, 200), cause);
  }
}

function refused(reason: BundleFlaw, what: string, cause?: unknown): TrustError {
  return new TrustError('bundle_refused', `Reading a model’s signature bundle: ${what}`, { data: { reason }, cause });
}
