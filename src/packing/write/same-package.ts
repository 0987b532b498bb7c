/** Is the package that is there the one that would be written? Its manifest, custody and sizes tell; no content is read. */
import { stat } from 'node:fs/promises';
import { AtmoError, openPackageSource, type PackageSource, readPaper } from '../../atmo/index.ts';
import { PACKAGE_FILES, PROTOCOL_LIMITS } from '../../protocol/index.ts';

export interface WantedPackage {
  readonly path: string;
  /** Texts of `manifest.yaml` and `custody.jsonl`. */
  readonly manifest: string;
  readonly custody: string;
  readonly members: readonly { readonly path: string; readonly sizeBytes: number }[];
}

export async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Throws AtmoError `already_there` for any other content under that name. */
export async function assertSamePackage(wanted: WantedPackage): Promise<void> {
  const { path } = wanted;
  if (await isSame(wanted).catch(() => false)) return;
  throw new AtmoError(
    'already_there',
    `Writing ${path}: another content has that name; remove it, or write elsewhere`,
    {
      data: { path },
    },
  );
}

async function isSame({ path, manifest, custody, members }: WantedPackage): Promise<boolean> {
  await using source = await openPackageSource(path);
  const sizes = new Map(source.entries.map((entry) => [entry.path, entry.sizeBytes]));
  return (
    (await textOf(source, PACKAGE_FILES.manifest)) === manifest &&
    (await textOf(source, PACKAGE_FILES.custody)) === custody &&
    sizes.size === members.length + FIXED_FILES &&
    members.every((member) => sizes.get(member.path) === member.sizeBytes)
  );
}

/** Manifest, checksums, custody. */
const FIXED_FILES = 3;

async function textOf(source: PackageSource, path: string): Promise<string | undefined> {
  return (await readPaper(source, path, PROTOCOL_LIMITS.packageManifestBytes))?.bytes.toString('utf8');
}
