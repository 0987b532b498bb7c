/** The files of a package that say what it is, read into memory and parsed. All of it is in its maker's hand. Spec: docs/spec/21-packages.md §2. */
import type { PackageSource } from '../../atmo/index.ts';
import { formatBytes, type Sha256 } from '../../core/index.ts';
import {
  type DeltaManifest,
  PACKAGE_FILES,
  type PackageManifest,
  type PackageMember,
  packageDigest,
  packageMembers,
  parseDeltaManifest,
  parsePackageManifest,
} from '../../protocol/index.ts';
import { PackageError } from './errors.ts';
import { PACKAGE_LIMITS } from './limits.ts';

export interface PackageDocuments {
  readonly manifest: PackageManifest;
  /** Of the signed bytes. */
  readonly digest: Sha256;
  readonly members: readonly PackageMember[];
  readonly delta: DeltaManifest | undefined;
  /** As they lie in the package; empty where it has none. */
  readonly manifestBytes: Buffer;
  readonly checksumsBytes: Buffer;
  readonly custodyBytes: Buffer;
}

/** Throws AtmoError, ProtocolError `malformed`, `too_large`, PackageError `bad_member`. */
export async function readPackageDocuments(source: PackageSource): Promise<PackageDocuments> {
  const manifestBytes = await readWhole(source, PACKAGE_FILES.manifest);
  const manifest = parsePackageManifest(manifestBytes);
  const has = (path: string) => source.entries.some((entry) => entry.path === path);
  const readIf = async (path: string) => (has(path) ? await readWhole(source, path) : Buffer.alloc(0));
  const delta = has(PACKAGE_FILES.delta) ? await readDelta(source, manifest) : undefined;
  const members = packageMembers(manifest);
  assertNothingElse(source, members, delta);
  return {
    ...{ manifest, manifestBytes, members, delta, digest: packageDigest(manifest) },
    checksumsBytes: await readIf(PACKAGE_FILES.checksums),
    custodyBytes: await readIf(PACKAGE_FILES.custody),
  };
}

/** Throws AtmoError, PackageError `bad_member`. */
export async function readWhole(source: PackageSource, path: string): Promise<Buffer> {
  const size = source.entries.find((entry) => entry.path === path)?.sizeBytes ?? 0;
  if (size > PACKAGE_LIMITS.documentBytes) {
    const most = formatBytes(PACKAGE_LIMITS.documentBytes);
    throw new PackageError('bad_member', `Reading ${path}: it has ${formatBytes(size)}, wanted at most ${most}`);
  }
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const count = await source.read(path, bytes.subarray(at), at);
    if (count === 0) throw new PackageError('bad_member', `Reading ${path}: it ends after ${at} of ${size} bytes`);
    at += count;
  }
  return bytes;
}

async function readDelta(source: PackageSource, manifest: PackageManifest): Promise<DeltaManifest> {
  const delta = parseDeltaManifest(await readWhole(source, PACKAGE_FILES.delta));
  const [said, is] = [delta.delta.target_manifest, `sha256:${packageDigest(manifest)}`];
  if (said === is) return delta;
  throw new PackageError('bad_member', `Reading ${PACKAGE_FILES.delta}: it leads to ${said}, the manifest is ${is}`);
}

/** Every file is named by the manifest, is one of the fixed names, or is a difference that is named. */
function assertNothingElse(
  source: PackageSource,
  members: readonly PackageMember[],
  delta: DeltaManifest | undefined,
): void {
  const differences =
    delta?.members.flatMap(({ differences: steps = [] }) => steps.map((step) => step.delta_path)) ?? [];
  const named = new Set<string>([...Object.values(PACKAGE_FILES), ...members.map(({ path }) => path), ...differences]);
  const strange = source.entries.find(({ path }) => !named.has(path));
  if (strange === undefined) return;
  const what = `Reading ${source.name}: the signed manifest does not name ${JSON.stringify(strange.path)}`;
  throw new PackageError('bad_member', what, { data: { path: strange.path } });
}
