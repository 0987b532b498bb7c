/**
 * What a manifest's shape alone cannot say: paths that are distinct and lie where they belong, sizes that are the sum of their files,
 * ids that stand once in a tier, file lists and model manifests that are of the model beside them. Spec: docs/spec/21-packages.md §4,
 * §5. Pure; every fault is told, not only the first.
 */
import { createHash } from 'node:crypto';
import { messageOf } from '../../core/index.ts';
import { parseManifest } from '../deploy/manifest.ts';
import { fileSetBytes } from '../file-set.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import type { PackageAbout, PackageContents, PackagedModel } from './package-manifest.ts';
import { digestOf, fileSetOf, isOfTier, type PackageMember, packageMembers } from './package-members.ts';
import { isAbout, readableSize, readSize } from './package-size.ts';
import { PACKAGE_TIERS, type PackageTier } from './tier.ts';

export interface PackageFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

interface Manifest {
  readonly package: PackageAbout;
  readonly contents: PackageContents;
}

export function packageFaults(manifest: Manifest): PackageFault[] {
  const members = packageMembers(manifest);
  if (members.length > PROTOCOL_LIMITS.packageMembers)
    return [
      {
        path: ['contents'],
        message: `it has ${members.length} files, wanted at most ${PROTOCOL_LIMITS.packageMembers}`,
      },
    ];
  return [
    ...pathFaults(members),
    ...tierFaults(manifest, members),
    ...sizeFaults(manifest.package, members),
    ...idFaults(manifest),
    ...(manifest.contents.models ?? []).flatMap((model, index) => modelFaults(model, ['contents', 'models', index])),
  ];
}

function placeOf({ section, index }: PackageMember): PropertyKey[] {
  return ['contents', section, index];
}

/** Each in its section's folder, and no two that some file system would take for one, or for one's folder. */
function pathFaults(members: readonly PackageMember[]): PackageFault[] {
  const faults: PackageFault[] = [];
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const member of members) {
    const { path, section } = member;
    const folded = path.normalize('NFC').toLowerCase();
    const parents = parentsOf(folded);
    const at = [...placeOf(member), 'path'];
    if (!path.startsWith(`${section}/`))
      faults.push({ path: at, message: `${shown(path)} does not lie in ${section}/` });
    if (path.length > PROTOCOL_LIMITS.pathChars) faults.push({ path: at, message: `${shown(path)} is too long` });
    if (files.has(folded) || folders.has(folded) || parents.some((parent) => files.has(parent)))
      faults.push({ path: at, message: `${shown(path)} is in the place of another file` });
    files.add(folded);
    for (const parent of parents) folders.add(parent);
  }
  return faults;
}

function parentsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

function tierFaults({ package: about }: Manifest, members: readonly PackageMember[]): PackageFault[] {
  return members.flatMap((member) => {
    const strange = member.tiers?.find((tier) => !about.tiers.includes(tier));
    const message = `the package has no ${strange}`;
    return strange === undefined ? [] : [{ path: [...placeOf(member), 'tiers'], message }];
  });
}

function sizeFaults(about: PackageAbout, members: readonly PackageMember[]): PackageFault[] {
  return PACKAGE_TIERS.flatMap((tier) => {
    const exact = about.bytes_by_tier[tier];
    const readable = about.size_by_tier[tier];
    if (!about.tiers.includes(tier)) {
      const isSaid = exact !== undefined || readable !== undefined;
      return isSaid ? [{ path: ['package', 'size_by_tier'], message: `the package has no ${tier}` }] : [];
    }
    const bytes = bytesOfTier(members, tier);
    return [...exactFault(tier, exact, bytes), ...readableFault(tier, readable, bytes)];
  });
}

function bytesOfTier(members: readonly PackageMember[], tier: PackageTier): number {
  return members.filter((member) => isOfTier(member, tier)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function exactFault(tier: PackageTier, said: number | undefined, bytes: number): PackageFault[] {
  if (said === bytes) return [];
  const message = `its files have ${bytes} bytes, not ${said === undefined ? 'nothing' : said}`;
  return [{ path: ['package', 'bytes_by_tier', tier], message }];
}

function readableFault(tier: PackageTier, said: string | undefined, bytes: number): PackageFault[] {
  const size = readSize(said ?? '');
  if (size !== undefined && isAbout(size, bytes)) return [];
  const message = `its files have ${readableSize(bytes)}, not ${said === undefined ? 'nothing' : shown(said)}`;
  return [{ path: ['package', 'size_by_tier', tier], message }];
}

/** In one tier an agent or tool has one version, and a model's version is one content. */
function idFaults({ package: { tiers }, contents }: Manifest): PackageFault[] {
  const named = (['models', 'agents', 'tools'] as const).flatMap((section) =>
    (contents[section] ?? []).map((item, index) => ({
      ...{ item, path: ['contents', section, index, 'id'] },
      name: `${section}\n${section === 'models' ? `${item.id} ${item.version}` : item.id}`,
    })),
  );
  const faults = new Set<(typeof named)[number]>();
  for (const tier of tiers) {
    const seen = new Set<string>();
    for (const one of named.filter(({ item }) => isOfTier(item, tier))) {
      if (seen.has(one.name)) faults.add(one);
      seen.add(one.name);
    }
  }
  return [...faults].map(({ item, path }) => ({ path, message: `${shown(item.id)} stands twice in one tier` }));
}

function modelFaults(model: PackagedModel, path: readonly PropertyKey[]): PackageFault[] {
  const faults: PackageFault[] = [];
  const add = (field: string, message: string | undefined) => {
    if (message !== undefined) faults.push({ path: [...path, field], message });
  };
  if (!isAbout(model.size_mb * 1e6, model.size_bytes)) add('size_mb', `it has ${model.size_bytes} bytes`);
  add('files', fileListFault(model));
  add('manifest', manifestFault(model));
  return faults;
}

function fileListFault(model: PackagedModel): string | undefined {
  const sum = model.files?.reduce((total, { size_bytes }) => total + size_bytes, 0) ?? model.size_bytes;
  if (sum !== model.size_bytes) return `they have ${sum} bytes, not ${model.size_bytes}`;
  try {
    const list = fileSetOf(model);
    if (list === undefined) return model.size_bytes > PROTOCOL_LIMITS.blobBytes ? 'one file is too large' : undefined;
    const digest = createHash('sha256').update(fileSetBytes(list)).digest('hex');
    return digest === digestOf(model.hash) ? undefined : `the hash of that list is sha256:${digest}, not ${model.hash}`;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

function manifestFault({ manifest, id, version, hash, size_bytes }: PackagedModel): string | undefined {
  if (manifest === undefined) return undefined;
  const said = parseManifest(manifest);
  const isOfIt =
    said.model_id === id &&
    said.version === version &&
    said.sha256 === digestOf(hash) &&
    said.size_bytes === size_bytes;
  return isOfIt ? undefined : `it is of ${said.model_id} ${said.version}, another id, version, hash or size`;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
