/**
 * What changed from what the site has, for people: by id, and for knowledge by chunk as far as its old bytes are here.
 * Spec: docs/spec/21-packages.md §11.2, §11.5.
 */
import { type ChunkChanges, compareChunks, compareSection, type ItemChanges, sumOfChanges } from '../../atmo/index.ts';
import {
  type DeltaManifest,
  type PackageManifest,
  type PackageMember,
  type SectionChanges,
  sizeInMb,
} from '../../protocol/index.ts';
import type { FindBlobs } from '../ports.ts';
import { deltaPaths } from './delta-paths.ts';
import type { PackedDifference } from './make-differences.ts';
import { openFileBytes, openStockBytes } from './open-bytes.ts';
import type { Site } from './site.ts';
import type { Stock } from './stock.ts';

type Changes = DeltaManifest['delta']['changes'];

export interface ChangesWish {
  readonly stock: Stock;
  readonly manifest: PackageManifest;
  readonly members: readonly PackageMember[];
  readonly site: Site;
  readonly packed: readonly PackedDifference[];
  readonly findBlobs: FindBlobs;
  readonly signal?: AbortSignal | undefined;
}

export async function tellChanges(wish: ChangesWish): Promise<Changes> {
  const { manifest, site, packed } = wish;
  const before = site.base?.contents ?? {};
  const paths = deltaPaths(manifest, packed);
  const bySize = new Map(packed.map((one) => [one.member.path, one.sizeBytes]));
  const sections = (['models', 'agents', 'tools', 'config'] as const).map((section) => {
    const changes = compareSection(section, before, manifest.contents);
    return [section, toSection(changes, paths, bySize)] as const;
  });
  const said = sections.filter(([, { updated, added, removed }]) => updated.length + added.length + removed.length > 0);
  const chunks = await countChunks(compareSection('knowledge', before, manifest.contents), wish);
  const knowledge = { chunks_added: chunks.added, chunks_removed: chunks.removed, chunks_updated: chunks.updated };
  const isAny = chunks.added + chunks.removed + chunks.updated > 0;
  return { ...Object.fromEntries(said), ...(isAny ? { knowledge } : {}) };
}

function toSection(
  { added, removed, updated }: ItemChanges,
  paths: ReadonlyMap<string, string>,
  sizes: ReadonlyMap<string, number>,
): SectionChanges {
  const named = ({ id, version }: { id: string; version: string | undefined }) => ({
    id,
    ...(version === undefined ? {} : { version }),
  });
  return {
    added: added.map(named),
    removed: removed.map(named),
    updated: updated.map(({ id, from, to }) => {
      const delta = paths.get(to.path);
      return {
        ...{ id, ...(from.version === undefined ? {} : { from_version: from.version }) },
        ...(to.version === undefined ? {} : { to_version: to.version }),
        ...(delta === undefined ? {} : { delta_path: delta, delta_size_mb: sizeInMb(sizes.get(to.path) ?? 0) }),
      };
    }),
  };
}

async function countChunks({ added, removed, updated }: ItemChanges, wish: ChangesWish): Promise<ChunkChanges> {
  const old = await wish.findBlobs([...removed, ...updated.map(({ from }) => from)].map(({ sha256 }) => sha256));
  const pairs = [
    ...added.map(({ path }) => ({ from: undefined, to: path })),
    ...removed.map(({ sha256 }) => ({ from: sha256, to: undefined })),
    ...updated.map(({ from, to }) => ({ from: from.sha256, to: to.path })),
  ];
  const known = pairs.filter(({ from, to }) => (from === undefined || old.has(from)) && isChosen(to, wish));
  const counted: ChunkChanges[] = [];
  for (const { from, to } of known)
    counted.push(await countOne(from === undefined ? undefined : old.get(from), to, wish));
  return sumOfChanges(counted);
}

/** Of another tier, it does not travel. */
function isChosen(path: string | undefined, { members }: ChangesWish): boolean {
  return path === undefined || members.some((member) => member.path === path);
}

async function countOne(oldFile: string | undefined, path: string | undefined, { stock, signal }: ChangesWish) {
  await using old = oldFile === undefined ? undefined : await openFileBytes(oldFile);
  await using now =
    path === undefined || stock.sizeOf(path) === undefined ? undefined : await openStockBytes(stock, path);
  const named = (bytes: typeof old, name: string) => bytes && { name, sizeBytes: bytes.sizeBytes, read: bytes.read };
  return await compareChunks(named(old, oldFile ?? ''), named(now, path ?? ''), signal);
}
