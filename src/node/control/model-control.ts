/** Models: list, info, import, scan, share, remove, verify. */
import { isAbsolute, resolve } from 'node:path';
import type { ControlHandlers, ModelInfo, ModelRow, WorkEvent } from '../../api/index.ts';
import { CONTRACT_VERSION } from '../../api/index.ts';
import { isNodeId } from '../../core/index.ts';
import type { Desired } from '../../deploy/index.ts';
import { isCalled, MODEL_TYPES, type ModelType, parseModelId } from '../../protocol/index.ts';
import type { LocalModel } from '../../registry/index.ts';
import { NodeError } from '../errors.ts';
import type { ImportRequest } from '../library/import-scanner.ts';
import { descriptionOf } from '../library/local-entry.ts';
import { type KnownModel, mergeModels, resolveModel, toRow } from '../model-view.ts';
import { PackageError } from '../packages/errors.ts';
import { contentOf, describeImport, importManifest, withManifest } from './manifest-control.ts';
import { hashModels, verifyModel } from './model-work.ts';
import type { NodeParts } from './parts.ts';

type ModelControl = Pick<
  ControlHandlers,
  'modelList' | 'modelInfo' | 'modelScan' | 'modelImport' | 'modelShare' | 'modelRemove' | 'modelVerify'
>;

export function modelControl(parts: NodeParts): ModelControl {
  const { library } = parts;
  return {
    async modelList({ query }) {
      return { contract: CONTRACT_VERSION, models: listRows(parts, query.scope) };
    },
    async modelInfo({ query }) {
      return toInfo(parts, resolveModel(known(parts), query.id, query.range));
    },
    modelScan: ({ body }, signal) => scan(parts, body.hash === true, signal),
    modelImport: ({ body }, signal) => importModels(parts, body, signal),
    async modelShare({ body }) {
      const model = localOf(parts, body.id);
      parts.audit.insist('policy', { what: body.public ? 'public' : 'not_public', model_id: model.modelId });
      library.setPublic(model.modelId, body.public);
      return rowOf(parts, localOf(parts, body.id));
    },
    async modelRemove({ body }) {
      return removeModel(parts, body);
    },
    modelVerify: ({ body }, signal): AsyncIterable<WorkEvent> =>
      verifyModel(parts, localOf(parts, body.id, body.range), signal),
  };
}

async function* scan(parts: NodeParts, isHashing: boolean, signal: AbortSignal): AsyncGenerator<WorkEvent> {
  await parts.intake.rescan();
  const waiting = parts.library.list().filter((model) => model.state === 'found');
  if (isHashing) yield* hashModels(parts, toIds(waiting), signal);
  for (const model of rowsOf(parts, parts.library.list())) yield { event: 'model', model };
  yield { event: 'completed' };
}

async function* importModels(parts: NodeParts, body: ImportBody, signal: AbortSignal): AsyncGenerator<WorkEvent> {
  const manifest = body.manifest === undefined ? undefined : importManifest(body, body.manifest);
  const request = toImport(manifest === undefined ? body : withManifest(body, manifest));
  yield* importOne(parts, request, signal, manifest);
  yield { event: 'completed' };
}

/** All models of one path, without the last word. */
export async function* importOne(
  parts: NodeParts,
  request: ImportRequest,
  signal: AbortSignal,
  manifest?: ReturnType<typeof importManifest>,
): AsyncGenerator<WorkEvent> {
  const before = new Set(parts.library.list().map(contentOf));
  const found = await parts.intake.import(request);
  await parts.intake.settled();
  yield* hashModels(parts, toIds(found), signal);
  const models = importedModels(parts, toIds(found), request.path);
  if (manifest !== undefined) await describeImport(parts, { models, before, manifest });
  for (const { modelId, version, sha256, state } of models)
    if (state === 'ready')
      parts.audit.note('install', { model_id: modelId, version, sha256, how: 'import', path: request.path });
  for (const model of models) if (model.state !== 'ready') yield { event: 'problem', ...damageOf(model) };
  for (const model of rowsOf(parts, models)) yield { event: 'model', model };
}

function toIds(models: readonly { readonly modelId: string }[]): string[] {
  return models.map((model) => model.modelId);
}

async function removeModel(parts: NodeParts, { id, range }: { id: string; range?: string | undefined }) {
  const model = localOf(parts, id, range);
  const row = rowOf(parts, model);
  verifyNotNeeded(parts, model);
  parts.audit.insist('remove', { model_id: model.modelId, version: model.version, sha256: model.sha256, who: 'owner' });
  parts.transfers.cancelByModel(model.modelId);
  await parts.intake.remove(model);
  const { freedBytes } = await parts.library.remove(model);
  const wish = (await parts.deployment.desired()).find((one) => isStillWanted(one, model));
  return {
    removed: [row],
    freed_bytes: freedBytes,
    ...(wish === undefined ? {} : { still_wanted: wish.because.kind }),
  };
}

/** Throws PackageError `model_needed`. */
function verifyNotNeeded({ packages }: NodeParts, model: LocalModel): void {
  const needing = packages.neededBy(model);
  if (needing.length === 0) return;
  const what = `Removing ${model.modelId}@${model.version}: ${needing.join(', ')} has it`;
  throw new PackageError('model_needed', what, { data: { packages: needing, id: needing[0]?.split(' ')[0] } });
}

function isStillWanted({ modelId, presence, manifest, refused }: Desired, model: LocalModel): boolean {
  return (
    presence === 'present' && refused === undefined && modelId === model.modelId && manifest.sha256 === model.sha256
  );
}

/** The model on this machine that is meant. Throws NodeError `model_not_local` where only others have it. */
export function localOf(parts: NodeParts, id: string, range?: string): LocalModel {
  const here = mergeModels(parts.library.list(), []);
  const elsewhere = () => resolveModel(known(parts), id, range);
  const isHere = here.some((model) => isCalled(model.modelId, id) || id.startsWith('sha256:'));
  const model = isHere ? resolveModel(here, id, range) : elsewhere();
  if (model.local !== undefined) return model.local;
  throw new NodeError('model_not_local', `Looking for ${id} on this machine: only other nodes have it`);
}

function known(parts: NodeParts): KnownModel[] {
  return mergeModels(parts.library.list(), parts.catalog.getAllModels());
}

function listRows(parts: NodeParts, scope: 'local' | 'mesh' | 'available'): ModelRow[] {
  const fitting = known(parts).filter((model) => {
    if (scope === 'local') return model.local !== undefined;
    if (scope === 'available') return model.local === undefined;
    return model.holders.length > 0 || model.local?.state === 'ready';
  });
  return fitting.map((model) => toRow(model, parts.name));
}

function rowOf(parts: NodeParts, model: LocalModel): ModelRow {
  const [row] = rowsOf(parts, [model]);
  return row ?? toRow(alone(model), parts.name);
}

/** One merge for all: there may be thousands. */
function rowsOf(parts: NodeParts, models: readonly LocalModel[]): ModelRow[] {
  const merged = new Map(known(parts).map((one) => [one.local, one]));
  return models.map((model) => toRow(merged.get(model) ?? alone(model), parts.name));
}

function alone(model: LocalModel): KnownModel {
  const { modelId, version, sha256 } = model;
  return { modelId, version, sha256, local: model, entry: undefined, holders: [] };
}

/** What the scanner of this import made of its path. */
function importedModels(parts: NodeParts, modelIds: readonly string[], path: string): LocalModel[] {
  const wanted = new Set(modelIds);
  return parts.library.list().filter((model) => wanted.has(model.modelId) && model.sourceRef === path);
}

function damageOf(model: LocalModel) {
  const error = descriptionOf(model).problem ?? `${model.modelId} could not be read whole`;
  const [file] = model.files;
  return { ...(file && { path: file.absolutePath }), error, code: 'model_damaged', kind: 'integrity' };
}

interface ImportBody {
  readonly path: string;
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly type?: string | undefined;
  readonly capabilities?: readonly string[] | undefined;
  readonly manifest?: Readonly<Record<string, unknown>> | undefined;
}

function toImport(body: ImportBody): ImportRequest {
  if (!isAbsolute(body.path))
    throw new NodeError('nothing_to_import', `Importing ${body.path}: the path must be absolute`);
  return {
    path: resolve(body.path),
    modelId: body.name === undefined ? undefined : parseModelId(body.name),
    version: body.version,
    type: body.type === undefined ? undefined : parseType(body.type),
    capabilities: body.capabilities,
  };
}

function parseType(text: string): ModelType {
  const type = MODEL_TYPES.find((known) => known === text);
  if (type !== undefined) return type;
  throw new NodeError('unknown_type', `Importing as ${text}: wanted one of ${MODEL_TYPES.join(', ')}`);
}

function toVersion(parts: NodeParts, one: KnownModel): ModelInfo['versions'][number] {
  const { modelId, version, sha256 } = one;
  const seenMs = parts.meshRegistry.firstSeenMs(modelId, version, sha256);
  const deprecated = parts.deprecations.of(modelId, version);
  return {
    ...toRow(one, parts.name),
    first_seen: seenMs === undefined ? null : new Date(seenMs).toISOString(),
    deprecated: deprecated !== undefined,
    ...(deprecated?.reason ? { deprecated_reason: deprecated.reason } : {}),
  };
}

async function toInfo(parts: NodeParts, model: KnownModel): Promise<ModelInfo> {
  const { local, entry } = model;
  const versions = known(parts).filter((one) => one.modelId === model.modelId);
  const description = local === undefined ? undefined : descriptionOf(local);
  const self = { node_id: parts.mesh.nodeId, name: parts.name, online: true, this_node: true };
  const others = model.holders.map(({ nodeId, name }) => ({
    node_id: nodeId,
    name,
    online: isNodeId(nodeId),
    this_node: false,
  }));
  return {
    ...toRow(model, parts.name),
    path: local?.state === 'ready' ? await parts.library.placeOf(local) : null,
    files: (local?.files ?? []).map((file) => ({
      path: file.path,
      size_bytes: file.sizeBytes,
      sha256: file.sha256 ?? null,
    })),
    metadata: { ...(description?.metadata ?? entry?.metadata) },
    ...(description?.problem === undefined ? {} : { problem: description.problem }),
    versions: versions.map((one) => toVersion(parts, one)),
    holders: local?.state === 'ready' ? [self, ...others] : others,
  };
}
