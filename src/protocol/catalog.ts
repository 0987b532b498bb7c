/**
 * `model_catalog` and its entries. Spec: docs/spec/04-catalog.md §3–§5.
 * An entry speaks for content: `sha256` is the digest of the file, or of the file list where `file_count` is given.
 */
import { z } from 'zod';
import type { ModelId, NodeId, PieceRoot, Sha256 } from '../core/index.ts';
import { isSha256 } from '../core/index.ts';
import { ProtocolError } from './errors.ts';
import { type Dropped, lenientObject, parseEach, reasonOf } from './lenient.ts';
import { PROTOCOL_LIMITS } from './limits.ts';
import { isModelId, isRelativePath } from './names.ts';

export const MODEL_TYPES = [
  'vision',
  'llm',
  'audio',
  'embedding',
  'anomaly_detector',
  'classifier',
  'embedder',
  'router',
  'other',
] as const;
export type ModelType = (typeof MODEL_TYPES)[number];

export const MODEL_FORMATS = [
  'gguf',
  'safetensors',
  'onnx',
  'pytorch',
  'pt',
  'tflite',
  'tensorrt',
  'tensorflow',
  'sklearn',
  'mlx',
  'other',
] as const;
export type ModelFormat = (typeof MODEL_FORMATS)[number];

/** An entry of this type offers a package of one tier (docs/spec/24-local-network.md §5): it is no model, and is listed among none. */
export const PACKAGE_TYPE = 'package';
export const PACKAGE_FORMAT = 'atmo';
const ENTRY_TYPES = [...MODEL_TYPES, PACKAGE_TYPE] as const;
const ENTRY_FORMATS = [...MODEL_FORMATS, PACKAGE_FORMAT] as const;

const label = z.string().min(1).max(PROTOCOL_LIMITS.labelChars);
const sizeBytes = z.number().int().nonnegative().max(PROTOCOL_LIMITS.modelBytes);

export const sha256Schema = z
  .string()
  .transform((text) => text.toLowerCase().replace(/^sha256:/, ''))
  .refine((text) => isSha256(text), 'not a SHA-256 in hex')
  .transform((text) => text as Sha256);

export const modelIdSchema = z
  .string()
  .refine(isModelId, 'not a safe model id')
  .transform((text) => text as ModelId);

export const pieceRootSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'not a piece root in hex')
  .transform((text) => text as PieceRoot);

export const modelEntrySchema = lenientObject({
  model_id: modelIdSchema,
  name: label,
  type: z.enum(ENTRY_TYPES).catch('other'),
  format: z.enum(ENTRY_FORMATS).catch('other'),
  size_bytes: sizeBytes,
  sha256: sha256Schema,
  version: z.string().min(1).max(PROTOCOL_LIMITS.versionChars).default('0'),
  capabilities: z.array(label).max(PROTOCOL_LIMITS.capabilitiesPerModel).default([]),
  source: label.default('imported'),
  source_ref: z.string().max(PROTOCOL_LIMITS.pathChars).default(''),
  base_model: label.optional(),
  classes: z.array(label).max(PROTOCOL_LIMITS.classesPerModel).optional(),
  class_count: z.number().int().nonnegative().optional(),
  context_length: z.number().int().positive().optional(),
  quantization: label.optional(),
  params_billions: z.number().positive().optional(),
  /** Formats that run code when loaded (pickle). */
  unsafe: z.boolean().optional(),
  /** Root of the piece list of the blob that `sha256` names. Peers of other make may leave it out. */
  piece_root: pieceRootSchema.optional(),
  /** Name of a one-file model's file. */
  file: z.string().refine(isRelativePath, 'not a safe relative path').optional(),
  /** Number of files; present exactly when `sha256` names a file list (docs/spec/01-content.md §5). */
  file_count: z.number().int().min(1).max(PROTOCOL_LIMITS.fileSetFiles).optional(),
  /** Size of that file list; with `file_count` only. */
  file_list_bytes: z.number().int().positive().max(PROTOCOL_LIMITS.fileSetBytes).optional(),
  metadata: z
    .record(z.string(), z.unknown())
    .refine((fields) => JSON.stringify(fields).length <= PROTOCOL_LIMITS.metadataBytes, 'metadata too large')
    .default({}),
});
export type ModelEntry = z.infer<typeof modelEntrySchema>;

export function isPackageEntry({ type }: Pick<ModelEntry, 'type'>): boolean {
  return type === PACKAGE_TYPE;
}

/** What sort of model an entry is about; one of a package is of none. */
export function modelKindOf({ type, format }: Pick<ModelEntry, 'type' | 'format'>) {
  return {
    type: type === PACKAGE_TYPE ? 'other' : type,
    format: format === PACKAGE_FORMAT ? 'other' : format,
  } as const;
}

const catalogSchema = lenientObject({
  type: z.literal('model_catalog'),
  node_id: z.string().min(1).max(100),
  node_name: label.catch('unnamed'),
  timestamp: z.number().nonnegative(),
  models: z.array(z.unknown()).max(PROTOCOL_LIMITS.catalogEntriesPerMessage),
  transfer_endpoints: lenientObject({
    http: z
      .url({ protocol: /^https?$/ })
      .max(PROTOCOL_LIMITS.pathChars)
      .optional(),
    websocket: z.boolean().optional(),
  }).default({}),
  ttl_seconds: z
    .number()
    .positive()
    .transform((ttl) => Math.min(ttl, PROTOCOL_LIMITS.maxTtlSeconds))
    .catch(PROTOCOL_LIMITS.catalogTtlSeconds),
  /** Which page of the sender's catalog this is; without it the message is the whole catalog. */
  page: z.number().int().nonnegative().max(100_000).optional(),
});

export interface CatalogMessage extends Omit<z.infer<typeof catalogSchema>, 'models' | 'node_id'> {
  readonly node_id: NodeId;
  readonly models: readonly ModelEntry[];
  /** Entries that did not parse; each costs itself alone. */
  readonly dropped: readonly Dropped[];
}

/** Parses a `model_catalog` as another implementation may send it. Throws ProtocolError `malformed`. */
export function parseCatalogMessage(value: unknown): CatalogMessage {
  const parsed = catalogSchema.safeParse(value);
  if (!parsed.success)
    throw new ProtocolError('malformed', `Reading a model_catalog: ${reasonOf(parsed.error)}`, { cause: parsed.error });
  const { good, dropped } = parseEach(modelEntrySchema, parsed.data.models);
  // Ids of other implementations (`test-node`) are carried as they are: they name a peer and grant nothing.
  return { ...parsed.data, node_id: parsed.data.node_id as NodeId, models: good, dropped };
}
