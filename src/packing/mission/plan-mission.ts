/**
 * Which files and models a mission means: by mission.yaml, and by the folders of which it says nothing. What is not there is told, all of
 * it. Pure. Spec: docs/spec/21-packages.md §13.
 */
import { type PackageTier, readModelRef } from '../../protocol/index.ts';
import type { Problem } from '../problems.ts';
import { baseOf, domainOf, matcherOf, splitVersionedName, stemOf } from './file-names.ts';
import { nearClause, nearest } from './near.ts';
import type { FolderFile } from './read-folder.ts';
import { MISSION_FILE, type MissionFolder } from './read-mission.ts';

export const FILE_SECTIONS = ['config', 'agents', 'tools', 'knowledge'] as const;
export type FileSection = (typeof FILE_SECTIONS)[number];

export interface PlannedFile extends Pick<FolderFile, 'file' | 'sizeBytes' | 'mtimeMs'> {
  /** In the package. */
  readonly path: string;
  /** Of an agent or a tool; undefined where neither its name nor the mission tells. */
  readonly id: string;
  readonly version: string | undefined;
  /** Of knowledge. */
  readonly domain: string;
  readonly tiers: readonly PackageTier[] | undefined;
}

/** A model that lies in the mission’s folder. */
export interface FolderModel {
  readonly id: string;
  readonly version: string | undefined;
  /** The file, or the folder, below the mission’s. */
  readonly source: string;
  readonly isFileSet: boolean;
  /** Paths inside the model. */
  readonly files: readonly FolderFile[];
  readonly tiers: readonly PackageTier[] | undefined;
}

/** A model that the library is asked for. */
export interface LibraryWish {
  readonly id: string;
  readonly range: string;
  readonly tiers: readonly PackageTier[] | undefined;
  readonly line: number;
  /** `models.1`. */
  readonly place: string;
}

export interface MissionPlan {
  readonly files: Readonly<Record<FileSection, readonly PlannedFile[]>>;
  readonly folderModels: readonly FolderModel[];
  readonly wishes: readonly LibraryWish[];
  readonly problems: readonly Problem[];
  /** What lies among the models and is none. */
  readonly leftOut: readonly string[];
}

export function planMission(folder: MissionFolder): MissionPlan {
  const problems: Problem[] = [];
  const plan = (section: FileSection) => distinct(planFiles(folder, section, problems));
  const files = { config: plan('config'), agents: plan('agents'), tools: plan('tools'), knowledge: plan('knowledge') };
  const { found, leftOut } = folder.said.has('models')
    ? { found: namedModels(folder, problems), leftOut: [] }
    : modelsOfLayout(folder.files);
  return { files: withOwnWords(files, folder), folderModels: found, wishes: wishesOf(folder), problems, leftOut };
}

/** A file that two patterns mean is there once, as the last of them says: the general one stands first. */
function distinct(planned: readonly PlannedFile[]): PlannedFile[] {
  return [...new Map(planned.map((file) => [file.path, file])).values()];
}

function planFiles(folder: MissionFolder, section: FileSection, problems: Problem[]): PlannedFile[] {
  if (!folder.said.has(section))
    return folder.files
      .filter(({ path }) => path.startsWith(`${section}/`))
      .map((file) => toPlanned(file, section, {}));
  return (folder.mission?.[section] ?? []).flatMap((wish, index) => {
    const matches = matcherOf(wish.path);
    const found = folder.files.filter(({ path }) => matches(path));
    if (found.length === 0) problems.push(missingFile(folder, [section, index], wish.path));
    return found.map((file) => toPlanned(file, section, wish));
  });
}

interface FileWords {
  readonly id?: string | undefined;
  readonly version?: string | undefined;
  readonly domain?: string | undefined;
  readonly tiers?: readonly PackageTier[] | undefined;
}

function toPlanned(found: FolderFile, section: FileSection, words: FileWords): PlannedFile {
  const { path, file, sizeBytes, mtimeMs } = found;
  const named = splitVersionedName(stemOf(path));
  return {
    ...{ file, sizeBytes, mtimeMs, tiers: words.tiers },
    path: path.startsWith(`${section}/`) ? path : `${section}/${baseOf(path)}`,
    id: words.id ?? named.name,
    version: words.version ?? named.version,
    domain: words.domain ?? domainOf(path),
  };
}

/** Where mission.yaml lies in a package. */
export const OWN_WORDS = `config/${MISSION_FILE}`;

/** mission.yaml goes along as it is, unless the mission has its own file of that name. */
function withOwnWords(files: Record<FileSection, PlannedFile[]>, { files: there, said }: MissionFolder) {
  const own = there.find(({ path }) => path === MISSION_FILE);
  const isTaken = files.config.some(({ path }) => path === OWN_WORDS);
  if (own === undefined || said.size === 0 || isTaken) return files;
  return { ...files, config: [...files.config, toPlanned(own, 'config', {})] };
}

function wishesOf({ mission, lineOf }: MissionFolder): LibraryWish[] {
  return (mission?.models ?? []).flatMap(({ name, file, tiers }, index) =>
    file === undefined
      ? [{ ...readModelRef(name), tiers, line: lineOf(['models', index]), place: `models.${index}` }]
      : [],
  );
}

/** Those of mission.yaml that lie in the folder. */
function namedModels(folder: MissionFolder, problems: Problem[]): FolderModel[] {
  return (folder.mission?.models ?? []).flatMap(({ name, file, tiers }, index): FolderModel[] => {
    if (file === undefined) return [];
    const { id, range } = readModelRef(name);
    const inside = filesBelow(folder.files, file);
    const own = folder.files.find(({ path }) => path === file);
    const version = range === 'latest' ? splitVersionedName(stemOf(file)).version : range;
    if (own !== undefined)
      return [{ id, version, source: file, isFileSet: false, files: [{ ...own, path: baseOf(file) }], tiers }];
    if (inside.length > 0) return [{ id, version, source: file, isFileSet: true, files: inside, tiers }];
    problems.push(missingFile(folder, ['models', index], file));
    return [];
  });
}

function filesBelow(files: readonly FolderFile[], folder: string): FolderFile[] {
  return files
    .filter(({ path }) => path.startsWith(`${folder}/`))
    .map((file) => ({ ...file, path: file.path.slice(folder.length + 1) }));
}

/** Files beside models that nobody means by one. */
const DOCUMENT = /^(readme|license|licence|notice)|\.(md|txt|png|jpe?g|pdf|json|ya?ml|sha256)$/i;

/** Each file directly in `models/` is a model, and so is each folder there. */
function modelsOfLayout(files: readonly FolderFile[]): { found: FolderModel[]; leftOut: string[] } {
  const inside = filesBelow(files, 'models');
  const [alone, deeper] = [
    inside.filter(({ path }) => !path.includes('/')),
    inside.filter(({ path }) => path.includes('/')),
  ];
  const leftOut = alone.filter(({ path }) => DOCUMENT.test(path)).map(({ path }) => `models/${path}`);
  const single = alone
    .filter(({ path }) => !DOCUMENT.test(path))
    .map((file): FolderModel => {
      const { name, version } = splitVersionedName(stemOf(file.path));
      return { id: name, version, source: `models/${file.path}`, isFileSet: false, files: [file], tiers: undefined };
    });
  const folders = Map.groupBy(deeper, ({ path }) => path.slice(0, path.indexOf('/')));
  const sets = [...folders.keys()].map((folder): FolderModel => {
    const { name, version } = splitVersionedName(folder);
    const files = filesBelow(inside, folder);
    return { id: name, version, source: `models/${folder}`, isFileSet: true, files, tiers: undefined };
  });
  return { found: [...single, ...sets], leftOut };
}

function missingFile(folder: MissionFolder, path: readonly PropertyKey[], pattern: string): Problem {
  const none = `there is no file below ${folder.folder}`;
  const near = nearest(
    pattern,
    folder.files.map((file) => file.path).filter((one) => one !== MISSION_FILE),
  );
  const what = pattern.includes('*') ? 'no file fits it' : 'it is not there';
  return { line: folder.lineOf(path), path: path.join('.'), message: `${pattern}: ${what}; ${nearClause(near, none)}` };
}
