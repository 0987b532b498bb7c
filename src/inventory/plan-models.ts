/**
 * Which of a folder's files make which model. Pure. Spec: docs/spec/08-inventory.md §3.3, §5.2.
 */
import { extensionOf, isModelFileName, parseGgufPartName } from '../formats/index.ts';

export interface FolderFacts {
  /** Files below the folder, forward slashes, sorted. */
  readonly paths: readonly string[];
  /** For an ONNX file, the files that hold its tensors, as paths below the folder. */
  readonly dataFiles: ReadonlyMap<string, readonly string[]>;
  /** For a shard index, the shards that it names, as paths below the folder. */
  readonly shards: ReadonlyMap<string, readonly string[]>;
}

export interface PlannedModel {
  /** For the id: below the folder, without extension; empty for the folder itself. */
  readonly idPath: string;
  /** Folder that the model's own paths start from; empty for the folder itself. */
  readonly base: string;
  readonly files: readonly string[];
  readonly isFileSet: boolean;
  /** Files named by an index or a part's name that are not there. */
  readonly missing: readonly string[];
}

type Variant = Omit<PlannedModel, 'isFileSet'>;

const DOCUMENT =
  /(^|\/)(readme|license|licence|notice|use_policy|\.git[^/]*)[^/]*$|\.(md|png|jpe?g|gif|webp|svg|pdf)$/i;
const SHARD_INDEX = /\.safetensors\.index\.json$/;

/** One repository's revision: the whole is a model, and so is each of its GGUF and ONNX variants. */
export function planSnapshot(facts: FolderFacts): PlannedModel[] {
  const variants = variantsOf(facts);
  const taken = new Set(variants.flatMap(({ files }) => files));
  const rest = facts.paths.filter((path) => !taken.has(path));
  const missing = missingShards(facts, rest);
  const hasWeights = rest.some(isModelFileName) || missing.length > 0;
  if (hasWeights || (variants.length === 0 && rest.includes('config.json')))
    return [wholeOf(rest, hasWeights ? missing : ['weights']), ...variants.map(toPlanned)];
  const [only, ...others] = variants;
  if (only === undefined || others.length > 0) return variants.map(toPlanned);
  const companions = rest.filter((path) => !DOCUMENT.test(path));
  if (companions.length === 0) return [{ ...toPlanned(only), idPath: '' }];
  return [wholeOf([...only.files, ...companions], only.missing)];
}

/** Any folder: sets where a folder is one model, else each model file by itself. */
export function planFolder(facts: FolderFacts): PlannedModel[] {
  const variants = variantsOf(facts);
  const taken = new Set(variants.flatMap(({ files }) => files));
  const rest = facts.paths.filter((path) => !taken.has(path));
  const setFolders = setFoldersOf(facts, rest);
  const sets = setFolders.map((folder) => setOf(facts, folder, rest));
  const inSets = new Set(sets.flatMap(({ files }) => files));
  const singles = rest.filter((path) => isModelFileName(path) && !inSets.has(path));
  return [...sets, ...variants.map(toPlanned), ...singles.map(singleOf)];
}

function variantsOf(facts: FolderFacts): Variant[] {
  const present = new Set(facts.paths);
  const partGroups = Map.groupBy(facts.paths.filter(isGguf), ggufGroupOf);
  const ggufs = [...partGroups].map(([idPath, files]) => ({
    idPath,
    base: folderOf(idPath),
    files,
    missing: missingParts(files),
  }));
  const onnxs = facts.paths
    .filter((path) => extensionOf(nameOf(path)) === 'onnx')
    .map((path) => {
      const data = facts.dataFiles.get(path) ?? [];
      const files = [path, ...data.filter((file) => present.has(file) && file !== path)];
      return {
        idPath: withoutExtension(path),
        base: folderOf(path),
        files,
        missing: data.filter((file) => !present.has(file)),
      };
    });
  return [...ggufs, ...onnxs];
}

function isGguf(path: string): boolean {
  return extensionOf(nameOf(path)) === 'gguf';
}

/** Parts of one stem and total are one group. */
function ggufGroupOf(path: string): string {
  const part = parseGgufPartName(nameOf(path));
  return part === undefined ? withoutExtension(path) : join(folderOf(path), part.stem);
}

function missingParts(files: readonly string[]): string[] {
  const parts = files.map((path) => parseGgufPartName(nameOf(path)));
  const total = parts[0]?.parts ?? 1;
  if (total <= 1 || files.length === total) return [];
  const held = new Set(parts.map((part) => part?.part));
  const wanted = Array.from({ length: Math.min(total, 1000) }, (_, index) => index + 1);
  return wanted.filter((part) => !held.has(part)).map((part) => `part ${part} of ${total}`);
}

function missingShards(facts: FolderFacts, paths: readonly string[]): string[] {
  const present = new Set(paths);
  const named = paths.flatMap((path) => facts.shards.get(path) ?? []);
  return [...new Set(named)].filter((shard) => !present.has(shard));
}

/** Folders that are one model; a set within a set belongs to the outer one. */
function setFoldersOf(facts: FolderFacts, rest: readonly string[]): string[] {
  const byFolder = Map.groupBy(rest, folderOf);
  const folders = [...byFolder].filter(([, paths]) => isSetFolder(facts, paths)).map(([folder]) => folder);
  const all = new Set(folders);
  return folders.filter((folder) => !parentsOf(folder).some((parent) => all.has(parent))).sort();
}

function isSetFolder(facts: FolderFacts, paths: readonly string[]): boolean {
  const names = paths.map(nameOf);
  if (names.includes('model_index.json')) return true;
  if (paths.some((path) => facts.shards.has(path))) return true;
  return names.includes('config.json') && names.some(isModelFileName);
}

function setOf(facts: FolderFacts, folder: string, rest: readonly string[]): PlannedModel {
  const files = folder === '' ? rest : rest.filter((path) => path.startsWith(`${folder}/`));
  return { idPath: folder, base: folder, files, isFileSet: true, missing: missingShards(facts, files) };
}

function wholeOf(files: readonly string[], missing: readonly string[]): PlannedModel {
  return { idPath: '', base: '', files: [...files].sort(), isFileSet: true, missing };
}

function singleOf(path: string): PlannedModel {
  return { idPath: withoutExtension(path), base: folderOf(path), files: [path], isFileSet: false, missing: [] };
}

function toPlanned(variant: Variant): PlannedModel {
  const isFileSet = variant.files.length + variant.missing.length > 1;
  return { ...variant, isFileSet };
}

export function isShardIndex(path: string): boolean {
  return SHARD_INDEX.test(path);
}

export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

function withoutExtension(path: string): string {
  const extension = extensionOf(nameOf(path));
  return extension === '' ? path : path.slice(0, -extension.length - 1);
}

function parentsOf(folder: string): string[] {
  if (folder === '') return [];
  const parts = folder.split('/');
  return parts.map((_, index) => parts.slice(0, index).join('/'));
}
