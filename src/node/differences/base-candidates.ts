/**
 * Which contents a difference to a file may begin from, best first: the same file in another version of the model, in what it was made
 * from, in what was made from the same, in what was made from it. Pure. The asker chooses by it, and whoever is asked refuses every
 * other pair, so that no peer can have arbitrary work done. Spec: docs/spec/22-differences.md §7.2.
 */
import type { Sha256 } from '../../core/index.ts';
import { compareVersions, parseParentRef } from '../../protocol/index.ts';

export interface KnownFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
  /** What it is, whatever its path: of a package's member its model. */
  readonly id?: string | undefined;
}

/** A model or a package, and what is said of where it comes from. */
export interface KnownContent {
  readonly modelId: string;
  readonly version: string;
  /** `ID` or `ID@VERSION`. */
  readonly parents: readonly string[];
  readonly files: readonly KnownFile[];
}

export interface WantedFile extends Omit<KnownContent, 'files'> {
  readonly file: KnownFile;
}

export interface BaseCandidate {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  /** Whose file it is. */
  readonly modelId: string;
}

/** Without the wanted content itself, each once. */
export function baseCandidates(wanted: WantedFile, known: readonly KnownContent[]): BaseCandidate[] {
  const related = known.flatMap((content) => {
    const kinship = kinshipOf(wanted, content);
    return kinship === undefined ? [] : [{ content, kinship }];
  });
  related.sort((a, b) => a.kinship - b.kinship || byNearness(wanted.version, a.content, b.content));
  const found = new Map<Sha256, BaseCandidate>();
  for (const { content } of related) {
    const file = counterpartOf(wanted.file, content);
    if (file === undefined || file.sha256 === wanted.file.sha256 || found.has(file.sha256)) continue;
    found.set(file.sha256, { sha256: file.sha256, sizeBytes: file.sizeBytes, modelId: content.modelId });
  }
  return [...found.values()];
}

/** 0 is nearest; undefined where they have nothing to do with each other. */
function kinshipOf(wanted: WantedFile, content: KnownContent): number | undefined {
  if (content.modelId === wanted.modelId) return 0;
  if (wanted.parents.some((ref) => isNamed(content, ref, true))) return 1;
  if (wanted.parents.some((ref) => isNamed(content, ref, false))) return 2;
  const family = new Set(wanted.parents.map((ref) => parseParentRef(ref).modelId));
  if (content.parents.some((ref) => family.has(parseParentRef(ref).modelId))) return 3;
  return content.parents.some((ref) => isNamed(wanted, ref, false)) ? 4 : undefined;
}

function isNamed(
  { modelId, version }: Pick<KnownContent, 'modelId' | 'version'>,
  ref: string,
  exactly: boolean,
): boolean {
  const parent = parseParentRef(ref);
  return parent.modelId === modelId && (!exactly || (parent.version ?? version) === version);
}

/** The version just before, then those before it; then the later ones. */
function byNearness(wanted: string, a: KnownContent, b: KnownContent): number {
  const [isLaterA, isLaterB] = [a, b].map(({ version }) => compareVersions(version, wanted) > 0);
  if (isLaterA !== isLaterB) return isLaterA === true ? 1 : -1;
  return isLaterA === true ? compareVersions(a.version, b.version) : compareVersions(b.version, a.version);
}

/** What stands in another content where this file stands in its own. */
function counterpartOf(file: KnownFile, { files }: KnownContent): KnownFile | undefined {
  const exact = files.find(({ path }) => path === file.path) ?? (file.id && files.find(({ id }) => id === file.id));
  if (exact) return exact;
  const alike = files.filter(({ path }) => extensionOf(path) === extensionOf(file.path));
  const shard = shardOf(file.path);
  const sameSize = only(alike.filter(({ sizeBytes }) => sizeBytes === file.sizeBytes));
  if (shard !== undefined) return alike.find(({ path }) => shardOf(path) === shard) ?? sameSize;
  const sameName = only(alike.filter(({ path }) => withoutNumbers(path) === withoutNumbers(file.path)));
  return sameName ?? sameSize ?? only(alike);
}

function only<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}

function extensionOf(path: string): string {
  return /\.[^./]+$/.exec(path)?.[0].toLowerCase() ?? '';
}

/** `00002-of-00007`. */
function shardOf(path: string): string | undefined {
  return /\d{5}-of-\d{5}/.exec(path)?.[0];
}

/** Names differ by their version, mostly. */
function withoutNumbers(path: string): string {
  return path.replaceAll(/\d+/g, '0');
}
