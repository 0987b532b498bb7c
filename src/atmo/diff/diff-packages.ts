/** Two packages beside each other: what the second has that the first has not, and the other way. Spec: docs/spec/21-packages.md §11. */
import type { Sha256 } from '../../core/index.ts';
import { PACKAGE_SECTIONS, PACKAGE_TIERS, type PackageSection, type PackageTier } from '../../protocol/index.ts';
import { readPapers } from '../manifest/read-papers.ts';
import type { PackageSource } from '../ports.ts';
import type { KnowledgeBytes } from './chunk-digests.ts';
import { type ChunkChanges, compareChunks, sumOfChanges } from './compare-chunks.ts';
import { compareSection, type ItemChanges } from './content-changes.ts';

export interface ComparedPackage {
  readonly id: string;
  readonly version: string;
  readonly created: string;
  readonly digest: Sha256;
}

export interface KnowledgeChanges {
  readonly domain: string;
  /** Undefined where a file is not in its package, as in exports of a part. */
  readonly chunks: ChunkChanges | undefined;
}

export interface PackageDiff {
  readonly before: ComparedPackage;
  readonly after: ComparedPackage;
  /** One content, whoever signed it. */
  readonly isSame: boolean;
  readonly sections: Readonly<Record<PackageSection, ItemChanges>>;
  /** Of domains that changed. */
  readonly knowledge: readonly KnowledgeChanges[];
  /** Of all that could be counted. */
  readonly chunks: ChunkChanges;
  /** Bytes a tier takes; undefined where a package has it not. */
  readonly sizes: readonly {
    readonly tier: PackageTier;
    readonly before: number | undefined;
    readonly after: number | undefined;
  }[];
}

/** Reads papers, and knowledge that changed. Nothing is verified. Throws AtmoError as `readPapers` and `readChunkDigests`. */
export async function diffPackages(
  before: PackageSource,
  after: PackageSource,
  signal?: AbortSignal,
): Promise<PackageDiff> {
  const [one, other] = [await readPapers(before), await readPapers(after)];
  const [old, now] = [one.manifest, other.manifest];
  const sections = Object.fromEntries(
    PACKAGE_SECTIONS.map((section) => [section, compareSection(section, old.contents, now.contents)]),
  ) as Record<PackageSection, ItemChanges>;
  const knowledge: KnowledgeChanges[] = [];
  for (const { domain, from, to } of changedKnowledge(sections.knowledge))
    knowledge.push({ domain, chunks: await countChunks(fileIn(before, from), fileIn(after, to), signal) });
  return {
    before: toCompared(old.package, one.digest),
    after: toCompared(now.package, other.digest),
    ...{ isSame: one.digest === other.digest, sections, knowledge },
    chunks: sumOfChanges(knowledge.flatMap(({ chunks }) => chunks ?? [])),
    sizes: PACKAGE_TIERS.filter((tier) => [old, now].some(({ package: about }) => about.tiers.includes(tier))).map(
      (tier) => ({ tier, before: old.package.bytes_by_tier[tier], after: now.package.bytes_by_tier[tier] }),
    ),
  };
}

function toCompared(about: Omit<ComparedPackage, 'digest'>, digest: Sha256): ComparedPackage {
  const { id, version, created } = about;
  return { id, version, created, digest };
}

interface ChangedFile {
  readonly domain: string;
  /** Paths; undefined where there is none on that side. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

function changedKnowledge({ added, removed, updated }: ItemChanges): ChangedFile[] {
  return [
    ...added.map(({ id, path }) => ({ domain: id, from: undefined, to: path })),
    ...removed.map(({ id, path }) => ({ domain: id, from: path, to: undefined })),
    ...updated.map(({ id, from, to }) => ({ domain: id, from: from.path, to: to.path })),
  ];
}

/** `absent`: the manifest names it, and it is not in this package. */
function fileIn(source: PackageSource, path: string | undefined): KnowledgeBytes | 'absent' | undefined {
  if (path === undefined) return undefined;
  const entry = source.entries.find((one) => one.path === path);
  if (entry === undefined) return 'absent';
  return {
    ...{ name: path, sizeBytes: entry.sizeBytes },
    read: (buffer, position) => source.read(path, buffer, position),
  };
}

async function countChunks(
  before: KnowledgeBytes | 'absent' | undefined,
  after: KnowledgeBytes | 'absent' | undefined,
  signal: AbortSignal | undefined,
): Promise<ChunkChanges | undefined> {
  if (before === 'absent' || after === 'absent') return undefined;
  return await compareChunks(before, after, signal);
}
