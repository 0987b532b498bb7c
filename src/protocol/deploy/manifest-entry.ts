/** A manifest and a catalog entry are two ways to speak of the same bytes. Spec: docs/spec/16-manifests.md §10. Pure. */
import { MODEL_TYPES, type ModelEntry, type ModelType, modelEntrySchema } from '../catalog.ts';
import { parseAs } from '../certificate.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { type ManifestType, type ModelManifest, parseManifest } from './manifest.ts';

/** What the catalog calls the types that it does not have. */
const CATALOG_TYPES: Readonly<Partial<Record<ManifestType, ModelType>>> = {
  detector: 'vision',
  tracker: 'vision',
  vlm: 'llm',
  whisper: 'audio',
};

export function toCatalogType(type: ManifestType): ModelType {
  return MODEL_TYPES.find((known) => known === type) ?? CATALOG_TYPES[type] ?? 'other';
}

/** The entry that a pull can start from, where the manifest has a piece root. Throws ProtocolError `malformed`. */
export function manifestToEntry(manifest: ModelManifest): ModelEntry {
  const { model_type, capabilities, features, classes, parent_model, metadata } = manifest;
  return parseAs(
    modelEntrySchema,
    {
      ...facts(manifest, SHARED),
      type: toCatalogType(model_type),
      capabilities: [...new Set([...capabilities, ...features])].slice(0, PROTOCOL_LIMITS.capabilitiesPerModel),
      classes: classes !== undefined && classes.length <= MAX_CLASSES ? classes : null,
      class_count: classes?.length ?? null,
      source: 'mesh',
      source_ref: manifest.source ?? '',
      unsafe: manifest.unsafe ? true : null,
      metadata: bounded({ ...metadata, ...(parent_model === undefined ? {} : { parent_model }) }),
    },
    'a manifest as an entry',
  );
}

/** What an entry says, as a manifest that asks nothing of a node. Throws ProtocolError `malformed`. */
export function entryToManifest(entry: ModelEntry): ModelManifest {
  const { parent_model, ...metadata } = entry.metadata;
  const parent = typeof parent_model === 'string' && parent_model !== '' ? parent_model : entry.base_model;
  return parseManifest({
    ...facts(entry, SHARED),
    model_type: entry.type,
    capabilities: entry.capabilities,
    classes: entry.classes,
    source: [entry.source, entry.source_ref].filter((text) => text !== '').join(' '),
    ...(parent === undefined ? {} : { parent_model: parent }),
    ...(entry.unsafe === true ? { unsafe: true } : {}),
    metadata,
  });
}

/** The same fields on both sides. */
const SHARED = [
  'model_id',
  'name',
  'version',
  'format',
  'size_bytes',
  'sha256',
  'piece_root',
  'file',
  'file_count',
  'file_list_bytes',
  'quantization',
  'params_billions',
  'context_length',
] as const;

function facts(from: Readonly<Record<string, unknown>>, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(fields.filter((field) => from[field] !== undefined).map((field) => [field, from[field]]));
}

/** More are kept out of gossip. */
const MAX_CLASSES = 100;

function bounded(metadata: Record<string, unknown>): Record<string, unknown> {
  return JSON.stringify(metadata).length <= PROTOCOL_LIMITS.metadataBytes ? metadata : {};
}
