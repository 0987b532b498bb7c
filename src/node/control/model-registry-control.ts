/** Inspecting models before they are loaded, deprecating versions, importing what LlamaFarm has trained. */
import { stat } from 'node:fs/promises';
import { basename, isAbsolute } from 'node:path';
import type { ControlHandlers, ModelInspection, WorkEvent } from '../../api/index.ts';
import { CONTRACT_VERSION } from '../../api/index.ts';
import { messageOf, systemCodeOf } from '../../core/index.ts';
import { describeModelFile } from '../../formats/index.ts';
import { llamaFarmFolder } from '../../inventory/index.ts';
import { isCalled, parseModelId } from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';
import { type FileToInspect, type InspectedFile, inspectFiles, withSource } from '../gate/inspect-files.ts';
import { findTrained } from '../library/llamafarm-import.ts';
import { descriptionOf } from '../library/local-entry.ts';
import { mergeModels, resolveModel } from '../model-view.ts';
import { importOne } from './model-control.ts';
import type { NodeParts } from './parts.ts';

type ModelRegistryControl = Pick<ControlHandlers, 'modelInspect' | 'modelDeprecate' | 'modelImportTrained'>;

export function modelRegistryControl(parts: NodeParts): ModelRegistryControl {
  return {
    modelInspect: async ({ query: { id, range, path } }, signal) =>
      path === undefined ? inspectModel(parts, id ?? '', range, signal) : inspectPath(parts, path, signal),
    async modelDeprecate({ body: { id, version, deprecated, reason } }) {
      const modelId = fullIdOf(parts, id);
      parts.deprecations.publish(modelId, version, { deprecated, reason });
      parts.audit.note('order', {
        action: deprecated ? 'deprecate' : 'undeprecate',
        model_id: modelId,
        version,
        reason,
      });
      return { model_id: modelId, version, deprecated, reason, known: isKnown(parts, modelId, version) };
    },
    modelImportTrained: ({ body: { dir = llamaFarmFolder(), type } }, signal) =>
      importTrained(parts, dir, type, signal),
  };
}

function isKnown(parts: NodeParts, id: string, version: string): boolean {
  const known = mergeModels(parts.library.list(), parts.catalog.getAllModels());
  return known.some((model) => model.modelId === id && model.version === version);
}

/** Models that nobody has now can be deprecated too: then by their whole id. */
function fullIdOf(parts: NodeParts, id: string) {
  const known = mergeModels(parts.library.list(), parts.catalog.getAllModels());
  const named = [...new Set(known.map(({ modelId }) => modelId))].filter((one) => isCalled(one, id));
  if (named.includes(id)) return parseModelId(id);
  if (named.length > 1) throw new NodeError('model_ambiguous', `Looking for ${id}: it is ${named.join(' or ')}`);
  return parseModelId(named[0] ?? id);
}

async function* importTrained(
  parts: NodeParts,
  dir: string,
  type: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<WorkEvent> {
  if (!isAbsolute(dir)) throw new NodeError('nothing_to_import', `Importing from ${dir}: the path must be absolute`);
  for (const request of await findTrained(dir, type)) {
    if (signal.aborted) return;
    try {
      yield* importOne(parts, request, signal);
    } catch (thrown) {
      // One that cannot be taken costs itself alone.
      yield { event: 'problem', path: request.path, error: messageOf(thrown) };
    }
  }
  yield { event: 'completed' };
}

async function inspectModel(
  parts: NodeParts,
  id: string,
  range: string | undefined,
  signal: AbortSignal,
): Promise<ModelInspection> {
  const { local } = resolveModel(mergeModels(parts.library.list(), []), id, range);
  if (local === undefined) throw new NodeError('model_not_local', `Inspecting ${id}: it is not on this machine`);
  const files = await read(id, () => inspectFiles(local.files, signal));
  const { quantization, paramsBillions, capabilities } = descriptionOf(local);
  return {
    ...{ model_id: local.modelId, version: local.version, path: await parts.library.placeOf(local) },
    ...{ type: local.type, format: local.format, capabilities: [...capabilities] },
    ...{ quantization: quantization ?? null, params_billions: paramsBillions ?? null },
    ...judged(parts, parts.manifests.manifestHere(local) ?? { model_id: local.modelId }, files),
  };
}

async function inspectPath(parts: NodeParts, path: string, signal: AbortSignal): Promise<ModelInspection> {
  if (!isAbsolute(path)) throw new NodeError('nothing_to_import', `Inspecting ${path}: the path must be absolute`);
  const file: FileToInspect = { path: basename(path), absolutePath: path };
  const [files, { description }] = await read(path, async () => {
    if (!(await stat(path)).isFile()) throw new NodeError('nothing_to_import', `Inspecting ${path}: it is no file`);
    return await Promise.all([
      inspectFiles([file], signal),
      withSource(path, (source) => describeModelFile(source, basename(path))),
    ]);
  });
  const { type, format, capabilities, quantization, paramsBillions, version } = description;
  return {
    ...{ model_id: null, version: version ?? null, path, type, format, capabilities: [...capabilities] },
    ...{ quantization: quantization ?? null, params_billions: paramsBillions ?? null },
    ...judged(parts, { model_id: basename(path) }, files),
  };
}

async function read<Result>(what: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (thrown) {
    const code = systemCodeOf(thrown);
    if (code === undefined) throw thrown;
    const why = code === 'ENOENT' ? 'there is no such file' : `the daemon may not read it (${code})`;
    throw new NodeError('nothing_to_import', `Inspecting ${what}: ${why}`, { cause: thrown });
  }
}

function judged(
  { formatGate }: NodeParts,
  manifest: Parameters<NodeParts['formatGate']['decide']>[0],
  files: readonly InspectedFile[],
) {
  const refusals = formatGate.decide(manifest, undefined, files);
  return {
    contract: CONTRACT_VERSION,
    safe: files.every(({ inspection }) => inspection.isSafe),
    loadable: refusals.length === 0,
    refusals: refusals.map(({ code, message }) => ({ code, message })),
    files: files.map(toFile),
  };
}

function toFile({ path, sizeBytes, inspection }: InspectedFile): ModelInspection['files'][number] {
  const { kind, isSafe, reasons, tensorCount, pickle } = inspection;
  return {
    ...{ path, size_bytes: sizeBytes, kind, safe: isSafe, reasons: reasons.map((reason) => ({ ...reason })) },
    ...{ tensors: tensorCount ?? null, pickles: pickle.pickles },
    imports: pickle.imports.map((one) => ({ ...one })),
    faults: [...pickle.faults],
  };
}
