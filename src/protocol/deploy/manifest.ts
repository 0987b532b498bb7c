/**
 * The one manifest type: everything that both public vocabularies say of a model, and what is needed to fetch it.
 * Spec: docs/spec/16-manifests.md §1.
 */
import { z } from 'zod';
import { signatureSchema } from '../canonical.ts';
import { MODEL_FORMATS, MODEL_TYPES, modelIdSchema, pieceRootSchema, sha256Schema } from '../catalog.ts';
import { parseAs, roleSchema } from '../certificate.ts';
import { ProtocolError } from '../errors.ts';
import { isDeeper } from '../json-shape.ts';
import { lenientObject } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { isRelativePath } from '../names.ts';
import { digestKey } from '../record-key.ts';

export const MANIFEST_TYPES = [...MODEL_TYPES, 'detector', 'tracker', 'vlm', 'whisper', 'custom'] as const;
export type ManifestType = (typeof MANIFEST_TYPES)[number];
export const DEPLOYMENT_PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;

const label = z.string().min(1).max(PROTOCOL_LIMITS.labelChars);
const labels = z.array(label).max(PROTOCOL_LIMITS.capabilitiesPerModel);
const megabytes = z.number().int().nonnegative().max(PROTOCOL_LIMITS.megabytes);

export const manifestSchema = lenientObject({
  model_id: modelIdSchema,
  name: label,
  version: z.string().min(1).max(PROTOCOL_LIMITS.versionChars),
  model_type: z.enum(MANIFEST_TYPES),
  format: z.enum(MODEL_FORMATS),
  size_bytes: z.number().int().nonnegative().max(PROTOCOL_LIMITS.modelBytes),
  /** Of the file, or of the file list where `file_count` is given, as in the catalog. */
  sha256: sha256Schema,
  piece_root: pieceRootSchema.optional(),
  file: z.string().refine(isRelativePath, 'not a safe relative path').optional(),
  file_count: z.number().int().min(1).max(PROTOCOL_LIMITS.fileSetFiles).optional(),
  file_list_bytes: z.number().int().positive().max(PROTOCOL_LIMITS.fileSetBytes).optional(),
  /** BLAKE3 of the file, hex. */
  blob_hash: z.string().max(PROTOCOL_LIMITS.labelChars).optional(),
  download_url: z.string().max(PROTOCOL_LIMITS.pathChars).optional(),
  quantization: label.optional(),
  params_billions: z.number().positive().optional(),
  context_length: z.number().int().positive().optional(),
  classes: z.array(label).max(PROTOCOL_LIMITS.classesPerModel).optional(),
  /** SPDX. */
  license: z.string().max(PROTOCOL_LIMITS.labelChars).optional(),
  source: z.string().max(PROTOCOL_LIMITS.pathChars).optional(),
  /** RFC 3339. */
  created_at: z.string().max(PROTOCOL_LIMITS.labelChars).optional(),
  trained_on: z.string().max(PROTOCOL_LIMITS.labelChars).optional(),
  training_data_domain: label.optional(),
  training_node: label.optional(),
  /** Loading it runs code that is in it (pickle). */
  unsafe: z.boolean().default(false),
  /** Grows whenever it is signed anew: milliseconds since 1970. A smaller one never replaces a larger one. */
  revision: z.number().int().nonnegative().default(0),
  /** Its signer takes it back: nothing is deployed by it any more. */
  withdrawn: z.boolean().default(false),
  /** The model that this one was made from, `ID` or `ID@VERSION`: lineage. */
  parent_model: label.optional(),
  capabilities: labels.default([]),
  features: labels.default([]),
  /** Python requirements, PEP 508. */
  python_requirements: labels.default([]),
  config: z.record(z.string(), z.unknown()).default({}),
  /** Without it, nothing is asked of a node. */
  needs: lenientObject({
    min_memory_mb: megabytes.default(0),
    min_vram_mb: megabytes.default(0),
    recommended_vram_mb: megabytes.default(0),
    min_cpu_cores: z.number().int().nonnegative().max(PROTOCOL_LIMITS.cpuCores).default(0),
    gpu_required: z.boolean().default(false),
    /** Empty: any. */
    architectures: labels.default([]),
    /** Empty: any. */
    execution_providers: labels.default([]),
  }).prefault({}),
  deployment: lenientObject({
    priority: z.enum(DEPLOYMENT_PRIORITIES).default('normal'),
    /** How many nodes; 0 is every node that can. */
    replicas: z.number().int().nonnegative().max(PROTOCOL_LIMITS.replicas).default(0),
    /** Empty: all. */
    regions: labels.default([]),
    /** Nodes of these roles get it by themselves (D3, organic). Empty: none do. */
    roles: z.array(roleSchema).max(PROTOCOL_LIMITS.capabilitiesPerModel).default([]),
  }).prefault({}),
  metadata: z.record(z.string(), z.unknown()).default({}),
  /** What a document of that vocabulary held beyond the vocabulary, in the places where it stood (§5). */
  x_seed1: z.record(z.string(), z.unknown()).optional(),
  x_seed3: z.record(z.string(), z.unknown()).optional(),
  signature: signatureSchema.optional(),
});
export type ModelManifest = z.infer<typeof manifestSchema>;

/** A manifest inside of something else, bounded as one by itself. */
export const boundedManifestSchema = manifestSchema
  .refine((manifest) => !isDeeper(manifest, PROTOCOL_LIMITS.manifestDepth), 'it is nested too deep')
  .refine((manifest) => bytesOf(manifest) <= PROTOCOL_LIMITS.manifestBytes, {
    message: `over ${PROTOCOL_LIMITS.manifestBytes} bytes`,
    when: ({ issues }) => issues.length === 0,
  });

/** Throws ProtocolError `malformed`, `too_large`. */
export function parseManifest(value: unknown): ModelManifest {
  if (isDeeper(value, PROTOCOL_LIMITS.manifestDepth))
    throw new ProtocolError(
      'malformed',
      `Reading a model manifest: it is nested over ${PROTOCOL_LIMITS.manifestDepth}`,
    );
  const manifest = parseAs(manifestSchema, value, 'a model manifest');
  const length = bytesOf(manifest);
  if (length <= PROTOCOL_LIMITS.manifestBytes) return manifest;
  throw new ProtocolError(
    'too_large',
    `Reading the manifest of ${manifest.model_id}: it has ${length} bytes, wanted at most ${PROTOCOL_LIMITS.manifestBytes}`,
  );
}

function bytesOf(manifest: object): number {
  return Buffer.byteLength(JSON.stringify(manifest));
}

/** The key of its record, and what tells it from others: docs/spec/16-manifests.md §8. */
export function manifestKey({
  model_id,
  version,
  sha256,
}: Pick<ModelManifest, 'model_id' | 'version' | 'sha256'>): string {
  return digestKey(`${model_id}\n${version}\n${sha256}`);
}
