/**
 * `model-manifest.yaml`: the first public vocabulary, of models with Python requirements and a place in a fleet.
 * Spec: docs/spec/16-manifests.md §3.
 */
import { isJsonObject, type JsonObject, withoutUndefined } from '../json-shape.ts';
import { isModelId } from '../names.ts';
import type { ModelManifest } from './manifest.ts';
import { manifestFileName } from './manifest-file-name.ts';
import { asObject, renamed, unknownFields, type Vocabulary } from './manifest-vocabulary.ts';

/** Document → manifest, where only the name differs. */
const FIELDS: Readonly<Record<string, string>> = {
  version: 'version',
  type: 'model_type',
  trained_on: 'trained_on',
  training_data_domain: 'training_data_domain',
  training_node: 'training_node',
  parent_model: 'parent_model',
  file: 'file',
  format: 'format',
  size_bytes: 'size_bytes',
  checksum_sha256: 'sha256',
  requirements: 'python_requirements',
  capabilities: 'capabilities',
  config: 'config',
  signature: 'signature',
};
const NEEDS = ['min_memory_mb', 'min_cpu_cores', 'gpu_required', 'architectures'];
const DEPLOYMENT = ['priority', 'replicas', 'regions', 'roles'];
const KNOWN = ['name', 'node_requirements', 'deployment', ...Object.keys(FIELDS)];

export const SEED1: Vocabulary = { name: 'seed1', toDocument, toManifest, pathOf };

function toDocument(manifest: ModelManifest): JsonObject {
  const { needs, deployment, x_seed1: unknown = {} } = manifest;
  const { node_requirements, deployment: more, ...rest } = unknown;
  return withoutUndefined({
    ...rest,
    name: toModelId(manifest.name) === manifest.model_id ? manifest.name : manifest.model_id,
    version: manifest.version,
    type: manifest.model_type,
    trained_on: manifest.trained_on,
    training_data_domain: manifest.training_data_domain,
    training_node: manifest.training_node,
    parent_model: manifest.parent_model,
    file: manifest.file ?? (manifest.file_count === undefined ? manifestFileName(manifest) : undefined),
    format: manifest.format === 'pt' ? 'pytorch' : manifest.format,
    size_bytes: manifest.size_bytes,
    checksum_sha256: manifest.sha256,
    requirements: manifest.python_requirements,
    capabilities: manifest.capabilities,
    config: manifest.config,
    node_requirements: { ...asObject(node_requirements), ...pick(needs, NEEDS) },
    deployment: { ...asObject(more), ...pick(deployment, DEPLOYMENT) },
    signature: manifest.signature,
  });
}

function toManifest(document: JsonObject): JsonObject {
  const { name, node_requirements: needs, deployment } = document;
  const unknown = withoutUndefined({
    ...unknownFields(document, KNOWN),
    node_requirements: unknownFields(asObject(needs), NEEDS),
    deployment: unknownFields(asObject(deployment), DEPLOYMENT),
  });
  return withoutUndefined({
    model_id: typeof name === 'string' ? toModelId(name) : name,
    name,
    ...renamed(document, FIELDS),
    needs: isJsonObject(needs) ? pick(needs, NEEDS) : (needs ?? undefined),
    deployment: isJsonObject(deployment) ? pick(deployment, DEPLOYMENT) : (deployment ?? undefined),
    x_seed1: Object.keys(unknown).length === 0 ? undefined : unknown,
  });
}

function pathOf([first, ...rest]: readonly PropertyKey[]): readonly PropertyKey[] {
  if (first === 'model_id') return ['name', ...rest];
  if (first === 'needs') return ['node_requirements', ...rest];
  const [from] = Object.entries(FIELDS).find(([, to]) => to === first) ?? [];
  return first === undefined ? [] : [from ?? first, ...rest];
}

/** The id that a name stands for: `My Model` is `My-Model`. Where that is none either, the check refuses it. */
function toModelId(name: string): string {
  return isModelId(name) ? name : name.trim().replaceAll(/[^A-Za-z0-9._+:@/-]+/g, '-');
}

function pick(source: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(
    keys.filter((key) => source[key] !== undefined && source[key] !== null).map((key) => [key, source[key]]),
  );
}
