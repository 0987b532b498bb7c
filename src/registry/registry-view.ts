/** `models/registry.yaml`: a view for people's eyes, written whole and never read. Spec: docs/spec/09-registry.md §6. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stringify } from 'yaml';
import { messageOf, type NodeId } from '../core/index.ts';
import { compareVersions } from '../protocol/index.ts';
import { RegistryError } from './errors.ts';
import type { LocalModel } from './models.ts';

export interface RegistryViewModel
  extends Pick<LocalModel, 'modelId' | 'version' | 'type' | 'format' | 'sizeBytes' | 'sha256' | 'state'> {
  readonly path: string;
  readonly loaded?: boolean | undefined;
  readonly loadedAtMs?: number | undefined;
  readonly sourceNode?: NodeId | undefined;
}

/** The YAML text. */
export function toRegistryYaml(models: readonly RegistryViewModel[]): string {
  const entries: Record<string, object> = {};
  for (const [modelId, variants] of [...Map.groupBy(models, ({ modelId }) => modelId)].sort(byKey)) {
    const newestFirst = variants.toSorted((a, b) => compareVersions(b.version, a.version) || bySha256(a, b));
    for (const model of newestFirst) entries[freeKey(entries, modelId, model)] = toEntry(model);
  }
  return stringify({ models: entries }, { lineWidth: 0, aliasDuplicateObjects: false });
}

export async function writeRegistryView(path: string, models: readonly RegistryViewModel[]): Promise<void> {
  await writeView(path, toRegistryYaml(models));
}

/** Writes a view so that readers see the old one or the new one. */
export async function writeView(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeSynced(temporary, text);
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new RegistryError('database_failed', `Writing ${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function toEntry(model: RegistryViewModel): object {
  return {
    version: model.version,
    path: model.path,
    loaded: model.loaded ?? false,
    ...(model.loadedAtMs === undefined ? {} : { loaded_at: new Date(model.loadedAtMs).toISOString() }),
    ...(model.sourceNode === undefined ? {} : { source_node: model.sourceNode }),
    ...(model.sha256 === undefined ? {} : { checksum: `sha256:${model.sha256}` }),
    size_bytes: model.sizeBytes,
    format: model.format,
    type: model.type,
    state: model.state,
  };
}

/** The id for the newest, `id@version` for others, `id@version#digest` for further variants. */
function freeKey(taken: Record<string, object>, modelId: string, { version, sha256 }: RegistryViewModel): string {
  const names = [modelId, `${modelId}@${version}`, `${modelId}@${version}#${sha256?.slice(0, 12) ?? 'unhashed'}`];
  const free = names.find((name) => !Object.hasOwn(taken, name));
  return free ?? `${names.at(-1)}-${Object.keys(taken).length}`;
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function bySha256(a: RegistryViewModel, b: RegistryViewModel): number {
  return (a.sha256 ?? '') < (b.sha256 ?? '') ? -1 : 1;
}
