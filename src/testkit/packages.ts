/** Packages on disk, small and whole, to be broken by tests: a folder of files, each of which may be changed before it is written. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { appendCustody, type PackageSigning, type PackageTrust, signPackage } from '../atmo/index.ts';
import {
  type DeltaManifest,
  formatDeltaManifest,
  formatPackageManifest,
  PACKAGE_FILES,
  type PackageManifest,
} from '../protocol/index.ts';
import type { Identity } from '../trust/index.ts';
import { makeTestMesh, type TestMesh } from './mesh-members.ts';
import { type PackageFiles, samplePackage } from './package-manifests.ts';

/** When the test packages were signed. */
export const PACKED_AT_MS = 1_800_000_000_000;

export interface PackedPackage {
  readonly mesh: TestMesh;
  /** A publisher of that mesh: in whose hands the package was. */
  readonly maker: Identity;
  readonly manifest: PackageManifest;
  /** Everything that lies in the package's folder. */
  readonly files: Record<string, Buffer>;
  readonly trust: PackageTrust;
}

export interface PackedOptions {
  readonly sample?: { readonly manifest: PackageManifest; readonly files: PackageFiles };
  readonly mesh?: TestMesh;
  /** The authority signs, unless another is said. */
  readonly signing?: PackageSigning;
  readonly delta?: DeltaManifest;
  /** Members that are left out, and others that are added. */
  readonly without?: readonly string[];
  readonly with?: PackageFiles;
}

export function packPackage(options: PackedOptions = {}): PackedPackage {
  const { sample = samplePackage(), mesh = makeTestMesh('packages', PACKED_AT_MS), delta, without = [] } = options;
  const maker = mesh.member('maker', { role: 'publisher' });
  const signing = options.signing ?? { signer: mesh.authority, meshId: mesh.authority.id };
  const manifest = signPackage(sample.manifest, signing);
  const members = { ...sample.files, ...options.with };
  const files: Record<string, Buffer> = { [PACKAGE_FILES.manifest]: Buffer.from(formatPackageManifest(manifest)) };
  if (delta !== undefined) files[PACKAGE_FILES.delta] = Buffer.from(formatDeltaManifest(delta));
  for (const [path, content] of Object.entries(members))
    if (!without.includes(path)) files[path] = Buffer.from(content as Uint8Array);
  files[PACKAGE_FILES.checksums] = checksumsOf(files);
  files[PACKAGE_FILES.custody] = Buffer.from(firstLine(manifest, maker));
  return { mesh, maker, manifest, files, trust: trustIn(mesh) };
}

/** A line for each file but itself and custody.jsonl. */
export function checksumsOf(files: Readonly<Record<string, Uint8Array>>): Buffer {
  const listed = Object.entries(files).filter(
    ([path]) => path !== PACKAGE_FILES.checksums && path !== PACKAGE_FILES.custody,
  );
  const lines = listed.map(([path, bytes]) => `${createHash('sha256').update(bytes).digest('hex')}  ${path}\n`);
  return Buffer.from(lines.join(''));
}

export async function writeFiles(folder: string, files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return folder;
}

/** A member of that mesh, a day later. */
export function trustIn(mesh: TestMesh, changes: Partial<PackageTrust> = {}): PackageTrust {
  return {
    ...{ ownMesh: mesh.authority.id, trustedMeshes: [], founders: [], isRevoked: () => false },
    ...{ nowMs: PACKED_AT_MS + 86_400_000, rolesThatMayWrite: ['admin', 'publisher'] },
    ...changes,
  };
}

function firstLine(manifest: PackageManifest, { nodeId, nodeKey, certificate }: Identity): string {
  return appendCustody('', {
    ...{ action: 'created', manifest, by: { nodeId, name: 'maker' }, certificate, nowMs: PACKED_AT_MS },
    signer: { id: nodeId, privateKey: nodeKey },
  });
}
