/**
 * `manifest.yaml`: everything that a package of all tiers holds, signed once. Exports of a part carry the same one.
 * Spec: docs/spec/21-packages.md §4, §5. Fields are kept as they are read: the signature covers them.
 */
import { z } from 'zod';
import { modelIdSchema } from '../catalog.ts';
import { certificateSchema, meshIdSchema } from '../certificate.ts';
import { boundedManifestSchema } from '../deploy/manifest.ts';
import { isDeeper } from '../json-shape.ts';
import { lenientObject } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { isRelativePath } from '../names.ts';
import { authorSchema } from '../record.ts';
import { packageFaults } from './package-checks.ts';
import { inOrder, readForeignDocument, verbatim, writeDocument } from './package-document.ts';
import { packageIdSchema, packageVersionSchema } from './package-names.ts';
import { tierSchema, tiersSchema } from './tier.ts';

const label = z.string().min(1).max(PROTOCOL_LIMITS.labelChars);
export const memberBytesSchema = z.number().int().nonnegative().max(PROTOCOL_LIMITS.blobBytes);
const totalBytes = z.number().int().nonnegative().max(PROTOCOL_LIMITS.modelBytes);
export const memberPathSchema = z.string().refine(isRelativePath, 'not a safe relative path');

/** `sha256:` and 64 small hex digits, in that form alone: the signature covers it. */
export const packageHashSchema = z
  .string()
  .regex(/^sha256:(?!0{64})[0-9a-f]{64}$/, 'wanted sha256: and 64 small hex digits');

export const timestampSchema = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'wanted a time like 2026-02-02T12:00:00Z')
  .refine((text) => !Number.isNaN(Date.parse(text)), 'there is no such time');

const bytesOfFile = {
  size_bytes: memberBytesSchema,
  hash: packageHashSchema,
  piece_root: z.string().regex(/^[0-9a-f]{64}$/, 'not a piece root in hex'),
};
const member = { path: memberPathSchema, ...bytesOfFile, tiers: tiersSchema.optional() };
/** An agent or a tool. */
const part = { ...member, id: label, version: z.string().min(1).max(PROTOCOL_LIMITS.versionChars) };

const freeFields = z
  .record(z.string(), z.unknown())
  .refine((fields) => !isDeeper(fields, PROTOCOL_LIMITS.manifestDepth), 'it is nested too deep')
  .refine(
    (fields) => JSON.stringify(fields).length <= PROTOCOL_LIMITS.catalogEntryBytes,
    'too many descriptive fields',
  );

export const packagedFileSchema = lenientObject({ path: memberPathSchema, ...bytesOfFile });

export const packagedModelSchema = lenientObject({
  ...part,
  id: modelIdSchema,
  /** Decimal megabytes, for people. */
  size_mb: z.number().nonnegative(),
  /** Of all its files. */
  size_bytes: totalBytes,
  /** A model of several files: `path` is their folder, `hash` and `piece_root` are those of the file list (01-content §5). */
  files: z.array(packagedFileSchema).min(1).max(PROTOCOL_LIMITS.fileSetFiles).optional(),
  /** The model's manifest in our own fields, with its own signature. */
  manifest: verbatim(boundedManifestSchema).optional(),
  /** What a catalog entry says of it beyond what stands here. */
  entry: freeFields.optional(),
});
export type PackagedModel = z.infer<typeof packagedModelSchema>;

const configSchema = lenientObject(member);
const partSchema = lenientObject(part);
const knowledgeSchema = lenientObject({
  ...member,
  domain: label,
  /** Lines of JSON in it. */
  chunks: z.number().int().nonnegative(),
});

function section<T>(item: z.ZodType<T>) {
  return z.array(item).max(PROTOCOL_LIMITS.packageMembers).optional();
}

export const packageContentsSchema = lenientObject({
  config: section(configSchema),
  models: section(packagedModelSchema),
  agents: section(partSchema),
  tools: section(partSchema),
  knowledge: section(knowledgeSchema),
});
export type PackageContents = z.infer<typeof packageContentsSchema>;

const ed25519Signature = z.string().regex(/^ed25519:[A-Za-z0-9+/]{86}==$/, 'wanted ed25519: and 64 bytes in base64');

const signaturesSchema = lenientObject({
  mesh_signature: ed25519Signature.optional(),
  /** The mesh's authority, or a node that it certified. */
  mesh_signer: authorSchema.optional(),
  mesh_id: meshIdSchema.optional(),
  /** Of the node that signed. */
  mesh_certificate: verbatim(certificateSchema).optional(),
  founder_signature: ed25519Signature.optional(),
  /** The founder's public key: 32 bytes. */
  founder_key: z
    .string()
    .regex(/^ed25519:[A-Za-z0-9+/]{43}=$/, 'wanted ed25519: and 32 bytes in base64')
    .optional(),
});
export type PackageSignatures = z.infer<typeof signaturesSchema>;

const aboutSchema = lenientObject({
  id: packageIdSchema,
  version: packageVersionSchema,
  created: timestampSchema,
  created_by: label,
  description: z.string().max(PROTOCOL_LIMITS.packageTextChars).optional(),
  tiers: tiersSchema,
  /** For people: `tier_1: 50MB`. */
  size_by_tier: z.partialRecord(tierSchema, z.string().max(PROTOCOL_LIMITS.labelChars)),
  /** Exact: the bytes of the members that a tier takes. */
  bytes_by_tier: z.partialRecord(tierSchema, totalBytes),
});
export type PackageAbout = z.infer<typeof aboutSchema>;

export const packageManifestSchema = lenientObject({
  package: aboutSchema,
  contents: packageContentsSchema,
  signatures: signaturesSchema.optional(),
}).superRefine((manifest, context) => {
  for (const { path, message } of packageFaults(manifest))
    context.addIssue({ code: 'custom', path: [...path], message });
});
export type PackageManifest = z.infer<typeof packageManifestSchema>;

const WHAT = 'a package’s manifest';

/** Shape, names, sizes by tier; trust says whether it is signed. Throws ProtocolError `too_large`, `malformed` with `data.problems`. */
export function parsePackageManifest(given: string | Uint8Array): PackageManifest {
  return readForeignDocument(given, {
    ...{ what: WHAT, maxBytes: PROTOCOL_LIMITS.packageManifestBytes },
    ...{ schema: packageManifestSchema, isText },
  });
}

/** The same text for the same manifest, in the order of the spec. */
export function formatPackageManifest({ package: about, contents, signatures, ...others }: PackageManifest): string {
  const lists = Object.entries(contents).map(([name, items]) => [
    name,
    Array.isArray(items) ? items.map((item) => inOrderOfItem(item as object)) : items,
  ]);
  const document = {
    ...{ package: inOrder(about, ABOUT_ORDER), contents: inOrder(Object.fromEntries(lists), SECTION_ORDER) },
    ...inOrder(others, []),
    ...(signatures === undefined ? {} : { signatures: inOrder(signatures, SIGNATURE_ORDER) }),
  };
  return writeDocument(document);
}

function inOrderOfItem(item: object): Record<string, unknown> {
  const { files, ...fields } = item as { readonly files?: readonly object[] };
  const inside = files?.map((file) => inOrder(file, ITEM_ORDER));
  return inOrder(inside === undefined ? fields : { ...fields, files: inside }, ITEM_ORDER);
}

const ABOUT_ORDER = Object.keys({
  ...{ id: 0, version: 0, created: 0, created_by: 0, description: 0 },
  ...{ tiers: 0, size_by_tier: 0, bytes_by_tier: 0 },
});
const SECTION_ORDER = ['config', 'models', 'agents', 'tools', 'knowledge'];
const ITEM_ORDER = [
  ...['path', 'id', 'version', 'domain', 'chunks', 'size_mb', 'size_bytes', 'tiers'],
  ...['hash', 'piece_root', 'files', 'manifest', 'entry'],
];
const SIGNATURE_ORDER = [
  ...['mesh_signature', 'mesh_signer', 'mesh_id', 'mesh_certificate'],
  ...['founder_signature', 'founder_key'],
];

/** Words and not numbers, whatever they look like. Where anything may stand, what was written counts. */
const TEXT_KEYS: ReadonlySet<string> = new Set([
  ...['id', 'version', 'created', 'created_by', 'description', 'path', 'hash', 'piece_root', 'domain'],
  ...['model_id', 'name', 'sha256', 'blob_hash', 'quantization', 'license', 'source', 'created_at', 'trained_on'],
  ...['training_data_domain', 'training_node', 'parent_model', 'file', 'role', 'founder_key'],
]);
const PARTS_OF_ITEM: ReadonlySet<string | undefined> = new Set(['files', 'manifest', 'entry']);

function isText(keys: readonly string[]): boolean {
  const [first, second, third] = keys;
  if (first === 'package' && second === 'size_by_tier') return true;
  const isKnown = TEXT_KEYS.has(keys.at(-1) ?? '');
  if (first !== 'contents') return isKnown && keys.length <= 3;
  return isKnown && (keys.length === 3 || (keys.length === 4 && PARTS_OF_ITEM.has(third)));
}
