/** Models in a Hugging Face cache. Spec: docs/spec/08-inventory.md §3. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { systemCodeOf } from '../core/index.ts';
import { mapBounded } from './bounded-map.ts';
import { buildModel, planFiles } from './build-model.ts';
import { DescriptionMemory } from './description-memory.ts';
import { readFolder, readFolderStrictly, unreadable } from './folder-entries.ts';
import { readFolderFacts } from './folder-facts.ts';
import type { FoundModel } from './found-model.ts';
import { INVENTORY_LIMITS } from './limits.ts';
import { toDistinctIds } from './model-ids.ts';
import { nameOf, type PlannedModel, planSnapshot } from './plan-models.ts';
import type { ScanContext, Scanner } from './scanner.ts';
import { realPathOrUndefined, type WalkedFile, walkFiles } from './walk-files.ts';

const REPO = /^models--(.+)$/;
const REVISION_DIGITS = 12;

interface Repo {
  readonly name: string;
  /** Real path. */
  readonly folder: string;
  /** Refs by the revision they point to. */
  readonly refs: ReadonlyMap<string, readonly string[]>;
}

/** `HF_HUB_CACHE`, else `HF_HOME/hub`, else `~/.cache/huggingface/hub`. */
export function huggingFaceCacheFolder(env: Readonly<Record<string, string | undefined>>, home = homedir()): string {
  const cacheHome = env.XDG_CACHE_HOME || join(home, '.cache');
  return env.HF_HUB_CACHE || join(env.HF_HOME || join(cacheHome, 'huggingface'), 'hub');
}

export class HuggingFaceScanner implements Scanner {
  readonly name = 'huggingface';
  readonly root: string;
  readonly #memory = new DescriptionMemory();

  constructor(root: string) {
    this.root = root;
  }

  async *scan(context: ScanContext): AsyncGenerator<FoundModel> {
    const entries = await readFolderStrictly(this.root, context);
    const repos = entries.filter((entry) => REPO.test(entry.name) && !entry.isFile());
    const found = mapBounded(repos, INVENTORY_LIMITS.scanConcurrency, ({ name }) => this.#scanRepo(context, name));
    for await (const models of found) yield* models;
  }

  async #scanRepo(context: ScanContext, folderName: string): Promise<FoundModel[]> {
    const path = join(this.root, folderName);
    try {
      const folder = await realPathOrUndefined(path);
      if (folder === undefined) return [];
      context.onFolder(folder);
      const name = (REPO.exec(folderName)?.[1] ?? '').replaceAll('--', '/');
      const repo: Repo = { name, folder, refs: await readRefs(context, join(folder, 'refs')) };
      const revisions = await readFolder(join(folder, 'snapshots'), context);
      const models: FoundModel[] = [];
      for (const revision of revisions.filter((entry) => entry.isDirectory()))
        models.push(...(await this.#scanSnapshot(context, repo, revision.name)));
      return models;
    } catch (cause) {
      context.signal.throwIfAborted();
      context.report(unreadable(path, cause));
      return [];
    }
  }

  async #scanSnapshot(context: ScanContext, repo: Repo, revision: string): Promise<FoundModel[]> {
    const files = await walkFiles(join(repo.folder, 'snapshots', revision), { context, boundary: repo.folder });
    const byPath = new Map(files.map((file) => [file.path, file]));
    const plans = planSnapshot(await readFolderFacts(context, this.#memory, files));
    const wanted = plans.map(({ idPath, files: [path = ''] }) => ({
      text: idPath === '' ? repo.name : `${repo.name}/${idPath}`,
      path,
    }));
    const ids = toDistinctIds(wanted);
    const models: FoundModel[] = [];
    for (const [index, plan] of plans.entries()) {
      const modelId = ids[index];
      if (modelId !== undefined) models.push(...(await this.#toModel(context, repo, revision, plan, modelId, byPath)));
    }
    return models;
  }

  async #toModel(
    context: ScanContext,
    repo: Repo,
    revision: string,
    plan: PlannedModel,
    modelId: FoundModel['modelId'],
    byPath: ReadonlyMap<string, WalkedFile>,
  ): Promise<FoundModel[]> {
    const { files, damages } = planFiles(context, plan, byPath);
    if (files.length === 0) return [];
    const refs = repo.refs.get(revision) ?? [];
    const identity = {
      modelId,
      name: plan.idPath === '' ? nameOf(repo.name) : nameOf(plan.idPath),
      version: revision.slice(0, REVISION_DIGITS),
      source: 'huggingface' as const,
      sourceRef: `${repo.name}@${revision}`,
      place: repo.folder,
      metadata: {
        revision: revision.slice(0, 64),
        ...(refs.length === 0 ? {} : { ref: refs.join(',').slice(0, 200) }),
      },
    };
    const { isFileSet } = plan;
    return [await buildModel({ memory: this.#memory, identity, files, isFileSet, damages })];
  }
}

/** Refs may lie in folders (`refs/pr/1`). */
async function readRefs(context: ScanContext, folder: string): Promise<Map<string, string[]>> {
  const files = (await walkFiles(folder, { context, boundary: folder })).slice(0, INVENTORY_LIMITS.refsPerRepo);
  const refs = new Map<string, string[]>();
  for (const { path, fingerprint } of files) {
    if (fingerprint.sizeBytes > INVENTORY_LIMITS.refBytes) continue;
    const revision = await readRef(fingerprint.path);
    if (revision !== undefined) refs.set(revision, [...(refs.get(revision) ?? []), path]);
  }
  return refs;
}

async function readRef(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}
