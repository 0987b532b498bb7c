/** Packages that are installed, and what was before: a version of one begins where the one before ended. */
import type { PackageRow, PackageVersion } from '../../registry/index.ts';
import type { KnownContent } from './base-candidates.ts';

export function packageContents(rows: readonly PackageRow[]): KnownContent[] {
  return rows.flatMap(({ current, previous }) => [current, previous].flatMap((one) => toContent(one) ?? []));
}

/** In the mesh an entry has the package's id as its model's. */
function toContent(version: PackageVersion | undefined): KnownContent | undefined {
  if (version === undefined) return undefined;
  const files = version.members.map(({ path, sha256, sizeBytes }) => ({ path, sha256, sizeBytes }));
  return { modelId: version.id, version: version.version, parents: [], files };
}
