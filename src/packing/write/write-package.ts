/**
 * A package onto its target, in the order of the spec: manifest, what is different, members, checksums, custody. The manifest of one that is
 * made from files is not known before they were read: room is kept for it. Spec: docs/spec/21-packages.md §2.
 */
import type { MemberToWrite, PackageTarget, WrittenFile, WrittenMember } from '../../atmo/index.ts';
import { PACKAGE_FILES } from '../../protocol/index.ts';
import { formatChecksums } from './checksums.ts';

export interface PackageParts {
  /** Its bytes, or how many they will be. */
  readonly manifest: Buffer | { readonly sizeBytes: number; make(members: readonly WrittenMember[]): Buffer };
  /** `delta.yaml` first, where there is one. */
  readonly members: readonly MemberToWrite[];
  /** The whole of custody.jsonl; asked for when the manifest is there. */
  custody(): string;
}

/** Nothing has its name before all of it is written. */
export async function writePackage(
  target: PackageTarget,
  { manifest, members, custody }: PackageParts,
  signal?: AbortSignal,
): Promise<readonly WrittenFile[]> {
  const isKnown = Buffer.isBuffer(manifest);
  if (!isKnown) await target.reserve(PACKAGE_FILES.manifest, manifest.sizeBytes);
  const first = isKnown ? [await target.add(inMemory(PACKAGE_FILES.manifest, manifest), signal)] : [];
  const written: WrittenMember[] = [];
  for (const member of members) written.push(await target.add(member, signal));
  const filled = isKnown ? first : [await target.fill(PACKAGE_FILES.manifest, manifest.make(written))];
  const checksums = formatChecksums([...filled, ...written]);
  await target.add(inMemory(PACKAGE_FILES.checksums, Buffer.from(checksums)), signal);
  await target.add(inMemory(PACKAGE_FILES.custody, Buffer.from(custody())), signal);
  return await target.finish(signal);
}

function inMemory(path: string, content: Buffer): MemberToWrite {
  return { path, sizeBytes: content.length, content };
}
