/**
 * What LlamaFarm has trained, as imports: `<dir>/<type>/<file or folder>`. The folder tells type and capabilities, the name what it
 * is called and of when it is. Spec: docs/spec/08-inventory.md §5.6.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareText, type ModelId, systemCodeOf } from '../../core/index.ts';
import { extensionOf, isModelFileName, splitDatedName } from '../../formats/index.ts';
import { type ModelType, parseModelId } from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { ImportRequest } from './import-scanner.ts';

export interface TrainedEntry {
  /** Name of the folder that it lies in. */
  readonly folder: string;
  readonly name: string;
  readonly isFolder: boolean;
}

interface Kind {
  readonly type: ModelType;
  readonly capabilities: readonly string[];
}

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ['anomaly', { type: 'anomaly_detector', capabilities: ['anomaly_detection'] }],
  ['classifier', { type: 'classifier', capabilities: ['classification'] }],
  ['classification', { type: 'classifier', capabilities: ['classification'] }],
  ['embedder', { type: 'embedder', capabilities: ['embedding'] }],
  ['embedding', { type: 'embedder', capabilities: ['embedding'] }],
  ['router', { type: 'router', capabilities: ['routing'] }],
  ['routing', { type: 'router', capabilities: ['routing'] }],
  ['vision', { type: 'vision', capabilities: ['vision'] }],
  ['audio', { type: 'audio', capabilities: ['audio_transcription'] }],
  ['llm', { type: 'llm', capabilities: ['text_generation'] }],
]);

/** Throws NodeError `nothing_to_import`. */
export async function findTrained(dir: string, wantedType: string | undefined): Promise<ImportRequest[]> {
  const folders = (await readdirOr(dir)).filter((entry) => entry.isDirectory() && isVisible(entry.name));
  const entries: TrainedEntry[] = [];
  for (const { name: folder } of folders) {
    if (!isWanted(folder, wantedType)) continue;
    const inside = await readdirOr(join(dir, folder));
    for (const entry of inside) entries.push({ folder, name: entry.name, isFolder: entry.isDirectory() });
  }
  const requests = planTrained(dir, entries);
  if (requests.length > 0) return requests;
  const what = wantedType === undefined ? 'models' : `models of the type ${wantedType}`;
  const there = folders.length === 0 ? 'no folder' : folders.map(({ name }) => name).join(', ');
  throw new NodeError('nothing_to_import', `Importing ${what} from ${dir}: none is there, of its folders ${there}`);
}

/** One import a model; where two of one name and date differ in their endings, the ending tells them apart. Pure. */
export function planTrained(dir: string, entries: readonly TrainedEntry[]): ImportRequest[] {
  const taken = new Set<string>();
  const requests: ImportRequest[] = [];
  for (const { folder, name, isFolder } of entries.toSorted(byName).slice(0, NODE_LIMITS.trainedModels)) {
    if (!isVisible(name) || !(isFolder || isModelFileName(name))) continue;
    const ending = isFolder ? '' : extensionOf(name);
    const stem = ending === '' ? name : name.slice(0, -ending.length - 1);
    const dated = splitDatedName(stem);
    const key = `${dated.name}\n${dated.version ?? ''}`;
    const modelId = toId(taken.has(key) ? `${dated.name}-${ending || folder}` : dated.name);
    if (modelId === undefined) continue;
    taken.add(key);
    const { type, capabilities } = KINDS.get(folder) ?? { type: undefined, capabilities: [folder] };
    requests.push({ path: join(dir, folder, name), modelId, version: dated.version, type, capabilities });
  }
  return requests;
}

/** By the folder's name, or by the type that it stands for. */
function isWanted(folder: string, wanted: string | undefined): boolean {
  return wanted === undefined || wanted === folder || KINDS.get(folder)?.type === wanted;
}

/** Names that are no model ids are left out. */
function toId(name: string): ModelId | undefined {
  try {
    return parseModelId(name.replace(/[^A-Za-z0-9._-]+/g, '-'));
  } catch {
    return undefined;
  }
}

function isVisible(name: string): boolean {
  return !name.startsWith('.') && !name.startsWith('~');
}

async function readdirOr(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (cause) {
    const code = systemCodeOf(cause);
    const why = code === 'ENOENT' ? 'there is no such folder' : `the daemon may not read it (${code})`;
    throw new NodeError('nothing_to_import', `Importing from ${path}: ${why}`, { cause });
  }
}

function byName(a: TrainedEntry, b: TrainedEntry): number {
  return compareText(`${a.folder}/${a.name}`, `${b.folder}/${b.name}`);
}
