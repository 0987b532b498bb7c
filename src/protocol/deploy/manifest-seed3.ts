/**
 * The second public vocabulary: models by type, quantization and the video memory that they want.
 * Spec: docs/spec/16-manifests.md §4.
 */
import { isJsonObject, type JsonObject, withoutUndefined } from '../json-shape.ts';
import type { ManifestType, ModelManifest } from './manifest.ts';
import { NEEDS_PRESETS } from './manifest-presets.ts';
import { asObject, renamed, unknownFields, type Vocabulary } from './manifest-vocabulary.ts';

/** The same name on both sides. */
const SAME = [
  'model_id',
  'name',
  'version',
  'size_bytes',
  'sha256',
  'blob_hash',
  'download_url',
  'features',
  'params_billions',
  'context_length',
  'classes',
  'license',
  'source',
  'created_at',
  'signature',
];
/** Document → manifest. */
const NEEDS: Readonly<Record<string, string>> = {
  min_vram_mb: 'min_vram_mb',
  recommended_vram_mb: 'recommended_vram_mb',
  min_ram_mb: 'min_memory_mb',
  execution_providers: 'execution_providers',
  architectures: 'architectures',
};
const KNOWN = [...SAME, 'model_type', 'format', 'quantization', 'requirements', 'metadata'];

const TYPES: readonly string[] = ['detector', 'llm', 'tracker', 'embedder', 'vlm', 'whisper', 'custom'];
/** What the type of a model is called as a capability, and so in some documents. */
const CAPABILITY_NAMES: Readonly<Record<string, ManifestType>> = {
  object_detection: 'detector',
  llm_inference: 'llm',
  object_tracking: 'tracker',
  feature_embedding: 'embedder',
  vision_language: 'vlm',
  audio_transcription: 'whisper',
};
/** Fields that the vocabulary wants where a manifest may be without. */
const NO_LICENSE = 'NOASSERTION';
const NO_DATE = '1970-01-01T00:00:00Z';

export const SEED3: Vocabulary = { name: 'seed3', toDocument, toManifest, pathOf };

function toDocument(manifest: ModelManifest): JsonObject {
  const { needs, parent_model, x_seed3: unknown = {} } = manifest;
  const { requirements: more, ...rest } = unknown;
  return withoutUndefined({
    ...rest,
    model_id: manifest.model_id,
    name: manifest.name,
    model_type: TYPES.includes(manifest.model_type) ? manifest.model_type : 'custom',
    format: manifest.format === 'pt' ? 'pytorch' : manifest.format,
    version: manifest.version,
    quantization: manifest.quantization,
    size_bytes: manifest.size_bytes,
    sha256: manifest.sha256,
    blob_hash: manifest.blob_hash,
    download_url: manifest.download_url,
    requirements: toRequirements(needs, asObject(more)),
    features: manifest.features,
    params_billions: manifest.params_billions,
    context_length: manifest.context_length,
    classes: manifest.classes,
    license: manifest.license ?? NO_LICENSE,
    source: manifest.source ?? '',
    created_at: manifest.created_at ?? NO_DATE,
    metadata: parent_model === undefined ? manifest.metadata : { ...manifest.metadata, parent_model },
    signature: manifest.signature,
  });
}

/** An empty list is any of them in a manifest, and none in this vocabulary. */
function toRequirements(needs: ModelManifest['needs'], unknown: JsonObject): JsonObject {
  const { architectures, execution_providers } = NEEDS_PRESETS.default;
  const lists = { architectures, execution_providers, ...unknown };
  return {
    ...unknown,
    min_vram_mb: needs.min_vram_mb,
    recommended_vram_mb: needs.recommended_vram_mb,
    min_ram_mb: needs.min_memory_mb,
    execution_providers: needs.execution_providers.length > 0 ? needs.execution_providers : lists.execution_providers,
    architectures: needs.architectures.length > 0 ? needs.architectures : lists.architectures,
  };
}

function toManifest(document: JsonObject): JsonObject {
  const { model_type, format, quantization, requirements, metadata } = document;
  const { parent_model, ...facts } = asObject(metadata);
  const hasParent = typeof parent_model === 'string' && parent_model !== '';
  const unknownNeeds = isJsonObject(requirements) ? unknownRequirements(requirements) : undefined;
  const unknown = withoutUndefined({ ...unknownFields(document, KNOWN), requirements: unknownNeeds });
  return withoutUndefined({
    ...renamed(document, Object.fromEntries(SAME.map((field) => [field, field]))),
    model_type: typeof model_type === 'string' ? toType(model_type) : (model_type ?? undefined),
    format: typeof format === 'string' ? format.toLowerCase() : (format ?? undefined),
    quantization: quantization ?? undefined,
    needs: isJsonObject(requirements) ? renamed(requirements, NEEDS) : (requirements ?? undefined),
    metadata: hasParent ? facts : (metadata ?? undefined),
    parent_model: hasParent ? parent_model : undefined,
    x_seed3: Object.keys(unknown).length === 0 ? undefined : unknown,
  });
}

/** An empty list is kept as it was written. */
function unknownRequirements(requirements: JsonObject): JsonObject | undefined {
  const lists = Object.entries(requirements).filter(([key, value]) => key in NEEDS && isEmptyList(value));
  const unknown = { ...unknownFields(requirements, Object.keys(NEEDS)), ...Object.fromEntries(lists) };
  return Object.keys(unknown).length === 0 ? undefined : unknown;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function toType(word: string): string {
  const type = word.toLowerCase();
  return Object.hasOwn(CAPABILITY_NAMES, type) ? (CAPABILITY_NAMES[type] ?? type) : type;
}

function pathOf([first, second, ...rest]: readonly PropertyKey[]): readonly PropertyKey[] {
  if (first === 'parent_model') return ['metadata', 'parent_model'];
  if (first === undefined) return [];
  if (first !== 'needs') return second === undefined ? [first] : [first, second, ...rest];
  const [from] = Object.entries(NEEDS).find(([, to]) => to === second) ?? [];
  return second === undefined ? ['requirements'] : ['requirements', from ?? second, ...rest];
}
