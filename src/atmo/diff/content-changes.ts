/**
 * What two manifests have that differs: by id, and by path where there is no id. An id that stands several times (for other tiers) is told
 * apart by its version, else by its path. Spec: docs/spec/21-packages.md §11.2. Pure.
 */
import { compareText, type Sha256 } from '../../core/index.ts';
import { digestOf, type PackageContents, type PackageSection } from '../../protocol/index.ts';

export interface ChangedItem {
  readonly id: string;
  readonly path: string;
  readonly version: string | undefined;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

export interface UpdatedItem {
  readonly id: string;
  readonly from: ChangedItem;
  readonly to: ChangedItem;
}

export interface ItemChanges {
  readonly added: readonly ChangedItem[];
  readonly removed: readonly ChangedItem[];
  readonly updated: readonly UpdatedItem[];
  readonly sameCount: number;
}

interface AnyItem {
  readonly path: string;
  readonly id?: string;
  readonly domain?: string;
  readonly version?: string;
  readonly size_bytes: number;
  readonly hash: string;
}

export function compareSection(section: PackageSection, before: PackageContents, after: PackageContents): ItemChanges {
  const old = Map.groupBy(itemsOf(before, section), ({ id }) => id);
  const now = Map.groupBy(itemsOf(after, section), ({ id }) => id);
  const ids = [...new Set([...old.keys(), ...now.keys()])].sort(compareText);
  const each = ids.map((id) => compareItems(old.get(id) ?? [], now.get(id) ?? []));
  return {
    added: each.flatMap(({ added }) => added),
    removed: each.flatMap(({ removed }) => removed),
    updated: each.flatMap(({ updated }) => updated),
    sameCount: each.reduce((sum, { sameCount }) => sum + sameCount, 0),
  };
}

/** Of one id: the same contents away first, then those of the same version or path, then as they stand. */
function compareItems(before: readonly ChangedItem[], after: readonly ChangedItem[]): ItemChanges {
  const old = [...before];
  const now = [...after];
  const same = takePairs(old, now, (a, b) => a.sha256 === b.sha256 && a.version === b.version);
  const updated = [
    ...takePairs(old, now, (a, b) => a.version === b.version && a.version !== undefined),
    ...takePairs(old, now, (a, b) => a.path === b.path),
    ...takePairs(old, now, () => true),
  ].map(([from, to]) => ({ id: to.id, from, to }));
  return { added: now, removed: old, updated, sameCount: same.length };
}

type Pair = readonly [ChangedItem, ChangedItem];

function takePairs(
  old: ChangedItem[],
  now: ChangedItem[],
  isPair: (a: ChangedItem, b: ChangedItem) => boolean,
): Pair[] {
  const pairs: Pair[] = [];
  for (const from of [...old]) {
    const at = now.findIndex((to) => isPair(from, to));
    const [to] = at === -1 ? [] : now.splice(at, 1);
    if (to === undefined) continue;
    old.splice(old.indexOf(from), 1);
    pairs.push([from, to]);
  }
  return pairs;
}

function itemsOf(contents: PackageContents, section: PackageSection): ChangedItem[] {
  return ((contents[section] ?? []) as readonly AnyItem[]).map(({ path, id, domain, version, size_bytes, hash }) => ({
    ...{ id: id ?? domain ?? path, path, version, sizeBytes: size_bytes, sha256: digestOf(hash) },
  }));
}
