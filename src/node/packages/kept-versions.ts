/** What a home keeps of its packages: of each the version in force, and the one to go back to. Pure. */
import type { PackageRow, PackageVersion } from '../../registry/index.ts';

export function keptVersions(rows: readonly PackageRow[]): PackageVersion[] {
  return rows.flatMap(({ current, previous }) => (previous === undefined ? [current] : [current, previous]));
}
