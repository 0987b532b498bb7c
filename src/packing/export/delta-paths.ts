/** What differences are called in a package. Pure. Spec: docs/spec/21-packages.md §11, §14. */
import { type PackageManifest, packageMembers } from '../../protocol/index.ts';
import type { PackedDifference } from './make-differences.ts';

/** By member: `models/detector-1.3.onnx` has `models/detector-1.3.onnx.delta`, unless a member is called so. */
export function deltaPaths(
  manifest: PackageManifest,
  packed: readonly PackedDifference[],
): ReadonlyMap<string, string> {
  const taken = new Set(packageMembers(manifest).map(({ path }) => path.toLowerCase()));
  return new Map(
    packed.map(({ member: { path } }) => {
      let name = `${path}.delta`;
      while (taken.has(name.toLowerCase())) name = `${name}.delta`;
      taken.add(name.toLowerCase());
      return [path, name];
    }),
  );
}
