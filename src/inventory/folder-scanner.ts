/** Models in a plain folder, LlamaFarm's among them. Spec: docs/spec/08-inventory.md §5. */
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { extensionOf, splitDatedName } from '../formats/index.ts';
import { mapBounded } from './bounded-map.ts';
import { buildModel, planFiles } from './build-model.ts';
import { DescriptionMemory } from './description-memory.ts';
import { unreadable } from './folder-entries.ts';
import { readFolderFacts } from './folder-facts.ts';
import type { FoundModel, ModelSource } from './found-model.ts';
import { INVENTORY_LIMITS } from './limits.ts';
import { toDistinctIds } from './model-ids.ts';
import { type PlannedModel, planFolder } from './plan-models.ts';
import type { ScanContext, Scanner } from './scanner.ts';
import { type WalkedFile, walkFiles } from './walk-files.ts';

export interface FolderScannerOptions {
  readonly name?: string;
  readonly source?: ModelSource;
  /** Source of models with a dated name. */
  readonly datedSource?: ModelSource;
}

interface NamedPlan {
  readonly plan: PlannedModel;
  readonly text: string;
  readonly path: string;
  readonly date: string | undefined;
}

export class FolderScanner implements Scanner {
  readonly name: string;
  readonly root: string;
  readonly #source: ModelSource;
  readonly #datedSource: ModelSource;
  readonly #memory = new DescriptionMemory();

  constructor(root: string, { name = 'folder', source = 'imported', datedSource = source }: FolderScannerOptions = {}) {
    this.root = resolve(root);
    this.name = name;
    this.#source = source;
    this.#datedSource = datedSource;
  }

  async *scan(context: ScanContext): AsyncGenerator<FoundModel> {
    const files = await walkFiles(this.root, { context });
    const byPath = new Map(files.map((file) => [file.path, file]));
    const plans = planFolder(await readFolderFacts(context, this.#memory, files)).map((plan) => this.#name(plan));
    const ids = idsOf(plans);
    const found = mapBounded(plans, INVENTORY_LIMITS.scanConcurrency, (named) =>
      this.#toModel(context, named, ids, byPath),
    );
    for await (const model of found) if (model !== undefined) yield model;
  }

  #name(plan: PlannedModel): NamedPlan {
    const parts = (plan.idPath === '' ? basename(this.root) : plan.idPath).split('/').map(splitDatedName);
    const text = parts.map((part) => part.name).join('/');
    const date = parts.findLast((part) => part.version !== undefined)?.version;
    return { plan, text, path: plan.files[0] ?? plan.idPath, date };
  }

  async #toModel(
    context: ScanContext,
    { plan, path, date }: NamedPlan,
    ids: ReadonlyMap<string, FoundModel['modelId']>,
    byPath: ReadonlyMap<string, WalkedFile>,
  ): Promise<FoundModel | undefined> {
    const modelId = ids.get(path);
    const { files, damages } = planFiles(context, plan, byPath);
    if (modelId === undefined || files.length === 0) return undefined;
    try {
      const source = date === undefined ? this.#source : this.#datedSource;
      const identity = { modelId, version: date ?? '0', source, sourceRef: plan.idPath, place: this.root };
      const { isFileSet } = plan;
      const model = await buildModel({ memory: this.#memory, identity, files, isFileSet, damages });
      return isPlainData(model) ? undefined : model;
    } catch (cause) {
      context.signal.throwIfAborted();
      context.report(unreadable(path, cause));
      return undefined;
    }
  }
}

/** Ids by the plan's first file. Trainings of one name share the id and differ by their date. */
function idsOf(plans: readonly NamedPlan[]): Map<string, FoundModel['modelId']> {
  const ids = new Map<string, FoundModel['modelId']>();
  for (const [, alike] of Map.groupBy(plans, ({ date }) => date)) {
    const distinct = toDistinctIds(alike);
    for (const [index, { path }] of alike.entries()) {
      const id = distinct[index];
      if (id !== undefined) ids.set(path, id);
    }
  }
  return ids;
}

/** A lone `.bin` without a pickle may be anything. */
function isPlainData(model: FoundModel): boolean {
  const [only, ...more] = model.files;
  return more.length === 0 && only !== undefined && extensionOf(only.path) === 'bin' && !model.unsafe;
}

export function llamaFarmFolder(home = homedir()): string {
  return join(home, '.llamafarm', 'models');
}

/** LlamaFarm's folder: dated names are its own trainings. */
export function llamaFarmScanner(root: string): Scanner {
  return new FolderScanner(root, { name: 'llamafarm', source: 'llamafarm', datedSource: 'llamafarm_training' });
}
