/** From a mission’s folder to a draft: models looked up, headers read, chunks counted. Nothing is written. Spec: docs/spec/21-packages.md §13. */
import {
  isModelId,
  PACKAGE_TIERS,
  type PackageTier,
  parsePackageId,
  parsePackageVersion,
} from '../../protocol/index.ts';
import { PackingError } from '../errors.ts';
import { nearClause } from '../mission/near.ts';
import {
  FILE_SECTIONS,
  type LibraryWish,
  type MissionPlan,
  OWN_WORDS,
  type PlannedFile,
  planMission,
} from '../mission/plan-mission.ts';
import type { MissionFolder } from '../mission/read-mission.ts';
import type { LibraryModel, ResolveModels } from '../ports.ts';
import { type Problem, problemError } from '../problems.ts';
import { countChunks } from './count-chunks.ts';
import { createdTime } from './created-time.ts';
import { type Draft, type DraftFile, type DraftPart, filesOf } from './draft.ts';
import { fromFolder, fromLibrary, type PlacelessModel, placeModels } from './draft-models.ts';

export interface DraftWish {
  /** As it was said; the id where mission.yaml names none. */
  readonly name: string;
  readonly version: string;
  readonly createdBy: string;
  readonly epoch: string | undefined;
  readonly resolveModels: ResolveModels;
}

export interface MadeDraft {
  readonly draft: Draft;
  /** Files among the models that are none. */
  readonly leftOut: readonly string[];
}

/** Throws PackingError `pieces_missing` with all of them, `bad_mission`; ProtocolError `unsafe_name`. */
export async function makeDraft(folder: MissionFolder, wish: DraftWish): Promise<MadeDraft> {
  const id = parsePackageId(folder.mission?.mission.id ?? wish.name);
  const version = parsePackageVersion(wish.version);
  const plan = planMission(folder);
  const found = await lookUp(plan, wish.resolveModels);
  const models = placeModels(await toModels(plan, found, version));
  const tiers = tiersOf(plan);
  const { config, agents, tools, knowledge } = plan.files;
  const draft: Draft = {
    ...{ id, version, createdBy: wish.createdBy, description: folder.mission?.mission.description, tiers, models },
    created: createdTime({
      ...{ epoch: wish.epoch, said: folder.mission?.mission.created },
      mtimesMs: mtimesOf(plan),
      madeAt: found.flatMap(({ manifest }) => (typeof manifest.created_at === 'string' ? [manifest.created_at] : [])),
    }),
    config: config.map(toFile),
    agents: agents.map((file) => toPart(file, version)),
    tools: tools.map((file) => toPart(file, version)),
    knowledge: await Promise.all(
      knowledge.map(async (file) => ({ ...toFile(file), domain: file.domain, chunks: await countChunks(file.file) })),
    ),
  };
  if (filesOf(draft).length === 0) throw nothingThere(folder);
  return { draft, leftOut: plan.leftOut };
}

async function lookUp({ wishes, problems }: MissionPlan, resolve: ResolveModels): Promise<LibraryModel[]> {
  const answers = wishes.length === 0 ? [] : await resolve(wishes.map(({ id, range }) => ({ id, range })));
  const missing = wishes.flatMap((wish, index): Problem[] => {
    const answer = answers[index];
    return answer?.model ? [] : [toProblem(wish, answer?.missing ?? undefined)];
  });
  if (problems.length + missing.length > 0)
    throw problemError('pieces_missing', 'Collecting what the mission names', [...problems, ...missing]);
  return answers.flatMap(({ model }) => model ?? []);
}

function toProblem(wish: LibraryWish, missing: { message: string; near: readonly string[] } | undefined): Problem {
  const { id, range, line, place } = wish;
  const near = nearClause(missing?.near ?? [], 'no model is known here');
  const what = missing?.message ?? 'it is not here';
  return { line, path: place, message: `${id}@${range}: ${what}; ${near}` };
}

async function toModels(
  { wishes, folderModels }: MissionPlan,
  found: readonly LibraryModel[],
  version: string,
): Promise<PlacelessModel[]> {
  const wrong = folderModels.filter(({ id }) => !isModelId(id));
  if (wrong.length > 0)
    throw problemError(
      'bad_mission',
      'Naming the models of the mission',
      wrong.map(({ source, id }) => ({
        ...{ line: 1, path: '' },
        message: `${source}: ${JSON.stringify(id)} is no model id; name it in mission.yaml as {name: ORG/NAME@VERSION, file: ${source}}`,
      })),
    );
  const library = found.map((model, index) => fromLibrary(model, wishes[index]?.tiers));
  return [...library, ...(await Promise.all(folderModels.map((model) => fromFolder(model, version))))];
}

/** All, unless everything names tiers: then those. What nobody limited is for every device. */
function tiersOf({ files, folderModels, wishes }: MissionPlan): readonly PackageTier[] {
  const own = FILE_SECTIONS.flatMap((section) => files[section]).filter(({ path }) => path !== OWN_WORDS);
  const items = [...own, ...folderModels, ...wishes];
  if (items.length === 0 || items.some(({ tiers }) => tiers === undefined)) return PACKAGE_TIERS;
  return PACKAGE_TIERS.filter((tier) => items.some(({ tiers }) => tiers?.includes(tier)));
}

function mtimesOf({ files, folderModels }: MissionPlan): number[] {
  const own = FILE_SECTIONS.flatMap((section) => files[section].map(({ mtimeMs }) => mtimeMs));
  return [...own, ...folderModels.flatMap((model) => model.files.map(({ mtimeMs }) => mtimeMs))];
}

function toFile({ path, file, sizeBytes, tiers }: PlannedFile): DraftFile {
  return { path, file, sizeBytes, known: undefined, tiers };
}

function toPart(file: PlannedFile, packageVersion: string): DraftPart {
  return { ...toFile(file), id: file.id, version: file.version ?? packageVersion };
}

function nothingThere({ folder }: MissionFolder): PackingError {
  return new PackingError(
    'bad_mission',
    `Reading ${folder}: there is nothing to pack; wanted mission.yaml, or files in models/, agents/, tools/, knowledge/ or config/`,
  );
}
