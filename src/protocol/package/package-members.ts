/**
 * The files of a package, one by one: what is hashed, counted, carried and fetched. A model of several files is as many members, under
 * its folder. Spec: docs/spec/21-packages.md §4.4. Pure.
 */
import type { PieceRoot, Sha256 } from '../../core/index.ts';
import { type FileSet, toFileSet } from '../file-set.ts';
import type { PackageContents, PackagedModel } from './package-manifest.ts';
import { PACKAGE_SECTIONS, type PackageSection } from './package-names.ts';
import type { PackageTier } from './tier.ts';

export interface PackageMember {
  readonly section: PackageSection;
  /** Place of its item in its section. */
  readonly index: number;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
  readonly pieceRoot: PieceRoot;
  /** Undefined: all of the package. */
  readonly tiers: readonly PackageTier[] | undefined;
}

/** What of a manifest is needed; a manifest that is not whole yet has it too. */
export interface WithContents {
  readonly contents: PackageContents;
}

/** In the order of the manifest. */
export function packageMembers({ contents }: WithContents): PackageMember[] {
  return PACKAGE_SECTIONS.flatMap((section) =>
    (contents[section] ?? []).flatMap((item, index) =>
      filesOf(item).map((file) => toMember(section, index, item, file)),
    ),
  );
}

/** Those that a device of a tier takes. */
export function membersOfTier(manifest: WithContents, tier: PackageTier): PackageMember[] {
  return packageMembers(manifest).filter((member) => isOfTier(member, tier));
}

export function isOfTier(
  { tiers }: { readonly tiers?: readonly PackageTier[] | undefined },
  tier: PackageTier,
): boolean {
  return tiers?.includes(tier) ?? true;
}

/** The file list of a model of several files (docs/spec/01-content.md §5): the blob that its `hash` names. Throws `unsafe_name`. */
export function fileSetOf({ files }: Pick<PackagedModel, 'files'>): FileSet | undefined {
  if (files === undefined) return undefined;
  return toFileSet(
    files.map(({ path, size_bytes, hash, piece_root }) => ({
      ...{ path, size_bytes, sha256: digestOf(hash) },
      piece_root: piece_root as PieceRoot,
    })),
  );
}

/** `sha256:<hex>` of a manifest, without the word in front. */
export function digestOf(hash: string): Sha256 {
  return hash.slice('sha256:'.length) as Sha256;
}

interface FileOfItem {
  readonly path: string;
  readonly size_bytes: number;
  readonly hash: string;
  readonly piece_root: string;
}

function filesOf(item: FileOfItem & { readonly files?: unknown }): readonly FileOfItem[] {
  if (item.files === undefined) return [item];
  return (item.files as readonly FileOfItem[]).map((file) => ({ ...file, path: `${item.path}/${file.path}` }));
}

function toMember(
  section: PackageSection,
  index: number,
  { tiers }: { readonly tiers?: readonly PackageTier[] | undefined },
  { path, size_bytes, hash, piece_root }: FileOfItem,
): PackageMember {
  return {
    section,
    index,
    path,
    sizeBytes: size_bytes,
    sha256: digestOf(hash),
    pieceRoot: piece_root as PieceRoot,
    tiers,
  };
}
