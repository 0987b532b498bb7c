/** Every model this node knows of, its own and the mesh's, one row a content. Pure over the two lists. */
import type { ModelRow } from '../api/index.ts';
import type { NodeId, Sha256 } from '../core/index.ts';
import { compareVersions, type ModelEntry, modelKindOf, newestInRange } from '../protocol/index.ts';
import type { LocalModel, ModelVariant } from '../registry/index.ts';
import { NodeError } from './errors.ts';
import { descriptionOf, toEntry } from './library/local-entry.ts';

export interface KnownModel {
  readonly modelId: string;
  readonly version: string;
  readonly sha256: Sha256 | undefined;
  readonly local: LocalModel | undefined;
  /** What the mesh says, or what this node tells it. */
  readonly entry: ModelEntry | undefined;
  /** Other nodes that have it now. */
  readonly holders: readonly { readonly nodeId: NodeId; readonly name: string }[];
}

/** Newest version first within an id. */
export function mergeModels(local: readonly LocalModel[], remote: readonly ModelVariant[]): KnownModel[] {
  const known = new Map<string, KnownModel>();
  for (const model of local) {
    const { modelId, version, sha256 } = model;
    const key = keyOf(modelId, version, sha256 ?? `${model.source}:${model.sourceRef}`);
    known.set(key, { modelId, version, sha256, local: model, entry: toEntry(model), holders: [] });
  }
  for (const variant of remote) {
    const { modelId, version, sha256 } = variant;
    const key = keyOf(modelId, version, sha256);
    const holders = variant.nodes.map(({ nodeId, name }) => ({ nodeId, name }));
    const same = known.get(key);
    if (same === undefined)
      known.set(key, { modelId, version, sha256, local: undefined, entry: variant.entry, holders });
    else known.set(key, { ...same, entry: same.entry ?? variant.entry, holders });
  }
  return [...known.values()].sort(compareKnown);
}

/** The one that is meant. Throws NodeError `model_not_found`, `model_ambiguous`; ProtocolError `invalid_range`. */
export function resolveModel(models: readonly KnownModel[], id: string, range = 'latest'): KnownModel {
  if (range.startsWith('sha256:')) return resolveModel(withDigest(models, range), id);
  const named = namedBy(models, id);
  const version = newestInRange([...new Set(named.map((model) => model.version))], range);
  const fitting = named.filter((model) => model.version === version);
  const [first, ...others] = fitting;
  if (first === undefined) throw notFound(models, id, range);
  const isOneContent = others.every((other) => other.sha256 !== undefined && other.sha256 === first.sha256);
  if (isOneContent) return fitting.find((model) => model.local !== undefined) ?? first;
  throw new NodeError('model_ambiguous', `Looking for ${id}: ${fitting.length} contents fit`, {
    data: { variants: fitting.map(toVariantData) },
  });
}

function withDigest(models: readonly KnownModel[], text: string): KnownModel[] {
  const digits = text.slice('sha256:'.length).toLowerCase();
  return digits.length < 8 ? [] : models.filter((model) => model.sha256?.startsWith(digits));
}

/** By digest, by id, or, where it is unambiguous, by the last part of the id. */
function namedBy(models: readonly KnownModel[], id: string): KnownModel[] {
  if (id.startsWith('sha256:')) return withDigest(models, id);
  const exact = models.filter((model) => model.modelId === id);
  if (exact.length > 0) return exact;
  const byLastPart = models.filter((model) => model.modelId.endsWith(`/${id}`));
  const ids = new Set(byLastPart.map((model) => model.modelId));
  if (ids.size <= 1) return byLastPart;
  throw new NodeError('model_ambiguous', `Looking for ${id}: ${ids.size} models have that last name`, {
    data: { variants: byLastPart.map(toVariantData) },
  });
}

function notFound(models: readonly KnownModel[], id: string, range: string): NodeError {
  const versions = [...new Set(models.filter((model) => model.modelId === id).map((model) => model.version))];
  const detail =
    versions.length > 0
      ? `no version in ${range}; known: ${versions.join(', ')}`
      : 'neither this node nor one that is online has it';
  return new NodeError('model_not_found', `Looking for ${id}: ${detail}`, { data: { id, range, versions } });
}

function toVariantData(model: KnownModel) {
  return {
    model_id: model.modelId,
    version: model.version,
    sha256: model.sha256 ?? null,
    size_bytes: sizeOf(model),
    nodes: model.holders.map((holder) => holder.name),
  };
}

/** The row people and scripts see. */
export function toRow(model: KnownModel, ownName: string): ModelRow {
  const { local, entry } = model;
  const description = local === undefined ? undefined : descriptionOf(local);
  const quantization = description?.quantization ?? entry?.quantization;
  const paramsBillions = description?.paramsBillions ?? entry?.params_billions;
  const contextLength = description?.contextLength ?? entry?.context_length;
  const own = local?.state === 'ready' ? [ownName] : [];
  return {
    model_id: model.modelId,
    name: local?.name ?? entry?.name ?? model.modelId,
    version: model.version,
    ...kindOf(model),
    size_bytes: sizeOf(model),
    sha256: model.sha256 ?? null,
    local: local !== undefined,
    nodes: [...own, ...model.holders.map((holder) => holder.name)],
    state: local?.state ?? 'remote',
    source: local?.source ?? entry?.source ?? 'imported',
    source_ref: local?.sourceRef ?? entry?.source_ref ?? '',
    ...(quantization === undefined ? {} : { quantization }),
    ...(paramsBillions === undefined ? {} : { params_billions: paramsBillions }),
    ...(contextLength === undefined ? {} : { context_length: contextLength }),
    capabilities: [...(description?.capabilities ?? entry?.capabilities ?? [])],
    unsafe: local?.unsafe ?? entry?.unsafe ?? false,
    public: local?.public ?? false,
    file_count: local?.files.length ?? entry?.file_count ?? 1,
  };
}

function sizeOf(model: KnownModel): number {
  return model.local?.sizeBytes ?? model.entry?.size_bytes ?? 0;
}

function compareKnown(a: KnownModel, b: KnownModel): number {
  if (a.modelId !== b.modelId) return a.modelId < b.modelId ? -1 : 1;
  return compareVersions(b.version, a.version) || ((a.sha256 ?? '') < (b.sha256 ?? '') ? -1 : 1);
}

function keyOf(modelId: string, version: string, content: string): string {
  return `${modelId}\n${version}\n${content}`;
}

function kindOf({ local, entry }: KnownModel): Pick<ModelRow, 'type' | 'format'> {
  if (local !== undefined) return { type: local.type, format: local.format };
  return entry === undefined ? { type: 'other', format: 'other' } : modelKindOf(entry);
}
