/** From planned files to a found model: safe paths, description, damage. Spec: docs/spec/08-inventory.md §1. */
import { basename, dirname } from 'node:path';
import { isSha256, type ModelId, type Sha256 } from '../core/index.ts';
import { PROTOCOL_LIMITS, parseRelativePath } from '../protocol/index.ts';
import { describeFiles } from './describe-files.ts';
import type { DescriptionMemory } from './description-memory.ts';
import { unsafeEntry } from './folder-entries.ts';
import type { FoundFile, FoundModel, ModelSource } from './found-model.ts';
import { INVENTORY_LIMITS } from './limits.ts';
import { shortHash } from './model-ids.ts';
import { nameOf, type PlannedModel } from './plan-models.ts';
import type { ScanContext } from './scanner.ts';
import type { WalkedFile } from './walk-files.ts';

export interface ModelIdentity {
  readonly modelId: ModelId;
  /** For people; the header's own name where absent. */
  readonly name?: string;
  readonly version: string;
  readonly source: ModelSource;
  readonly sourceRef: string;
  /** Place on this machine, for the key. */
  readonly place: string;
  readonly metadata?: Readonly<Record<string, string | number | boolean>>;
}

export interface BuildInput {
  readonly memory: DescriptionMemory;
  readonly identity: ModelIdentity;
  readonly files: readonly FoundFile[];
  readonly isFileSet: boolean;
  /** Reasons found before the headers were read. */
  readonly damages: readonly string[];
}

/** Throws system errors of the disk. */
export async function buildModel({ memory, identity, files, isFileSet, damages }: BuildInput): Promise<FoundModel> {
  const { description, damaged } = await describeFiles(memory, files);
  const { source, place, modelId, version, sourceRef } = identity;
  const reasons = [...damages, ...(damaged === undefined ? [] : [damaged])];
  const { baseModel, quantization, paramsBillions, contextLength, classes } = description;
  return {
    key: [source, place, modelId, version].join('\n'),
    modelId,
    name: toLabel(identity.name ?? ownName(description.name)) || modelId,
    version,
    type: description.type,
    format: description.format,
    source,
    sourceRef: sourceRef.slice(0, PROTOCOL_LIMITS.pathChars),
    files,
    isFileSet,
    sizeBytes: files.reduce((sum, file) => sum + file.fingerprint.sizeBytes, 0),
    capabilities: description.capabilities,
    ...(baseModel === undefined ? {} : { baseModel }),
    ...(quantization === undefined ? {} : { quantization }),
    ...(paramsBillions === undefined ? {} : { paramsBillions }),
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(classes === undefined ? {} : { classes }),
    unsafe: description.unsafe,
    metadata: boundedMetadata(
      { ...architectureOf(description.architecture), ...description.metadata },
      identity.metadata ?? {},
    ),
    ...(reasons.length === 0 ? {} : { damaged: reasons.join('; ').slice(0, 500) }),
  };
}

/** Files of a plan under their paths in the model. Unsafe names: renamed where alone, left out of a set. */
export function planFiles(
  context: ScanContext,
  planned: PlannedModel,
  walked: ReadonlyMap<string, WalkedFile>,
): { readonly files: FoundFile[]; readonly damages: string[] } {
  const damages = planned.missing.length === 0 ? [] : [`missing: ${planned.missing.slice(0, 5).join(', ')}`];
  const files: FoundFile[] = [];
  for (const source of planned.files.slice(0, INVENTORY_LIMITS.filesPerModel)) {
    const found = walked.get(source);
    const own = planned.base === '' ? source : source.slice(planned.base.length + 1);
    const path = isSafePath(own) ? own : planned.isFileSet ? undefined : safeFileName(nameOf(own));
    if (path === undefined) {
      context.report(unsafeEntry(own, 'its name is not safe on other machines'));
      damages.push('a file has a name that is not safe on other machines');
    } else if (found !== undefined) files.push(toFoundFile(path, found));
  }
  if (planned.files.length > INVENTORY_LIMITS.filesPerModel)
    damages.push(`more than ${INVENTORY_LIMITS.filesPerModel} files`);
  return { files, damages };
}

function toFoundFile(path: string, { fingerprint }: WalkedFile): FoundFile {
  const claimedSha256 = claimOf(fingerprint.path);
  return {
    path,
    absolutePath: fingerprint.path,
    fingerprint,
    ...(claimedSha256 === undefined ? {} : { claimedSha256 }),
  };
}

/** Blobs of Hugging Face and Ollama are named by their SHA-256. */
function claimOf(absolutePath: string): Sha256 | undefined {
  if (basename(dirname(absolutePath)) !== 'blobs') return undefined;
  const name = basename(absolutePath).replace(/^sha256-/, '');
  return isSha256(name) ? name : undefined;
}

function isSafePath(path: string): boolean {
  try {
    parseRelativePath(path);
    return true;
  } catch {
    return false;
  }
}

/** A name that is safe everywhere, its extension kept. */
function safeFileName(name: string): string {
  const extension = /\.[A-Za-z0-9]{1,12}$/.exec(name)?.[0] ?? '';
  const stem = name.slice(0, name.length - extension.length).replace(/[^A-Za-z0-9_-]/g, '-');
  return `_${stem.slice(0, 100)}-${shortHash(name)}${extension}`;
}

/** `model-00001-of-00003` and its like are what every model's file is called, and the name of none. */
function ownName(name: string): string {
  return /^(?:pytorch_|tf_|flax_)?model(?:-\d{5}-of-\d{5})?$/.test(name) ? '' : name;
}

/** Labels go to terminals: no control characters. */
function toLabel(text: string): string {
  return text
    .replace(/\p{Cc}/gu, '')
    .trim()
    .slice(0, PROTOCOL_LIMITS.labelChars);
}

function architectureOf(architecture: string | undefined): Record<string, string> {
  return architecture === undefined ? {} : { architecture };
}

/** What the source says stays; what the file says goes first when both are too much for a catalog entry. */
function boundedMetadata<Fields extends FoundModel['metadata']>(
  fromFile: Fields,
  fromSource: Fields,
): FoundModel['metadata'] {
  const kept: Record<string, string | number | boolean> = { ...fromSource };
  for (const [key, value] of Object.entries(fromFile)) {
    if (Object.hasOwn(kept, key)) continue;
    if (JSON.stringify({ ...kept, [key]: value }).length <= PROTOCOL_LIMITS.metadataBytes / 2) kept[key] = value;
  }
  return kept;
}
