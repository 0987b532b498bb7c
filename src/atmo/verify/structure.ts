/**
 * Does a package have exactly the files that its manifest and its delta.yaml name, with their sizes, and does checksums.sha256 say the
 * same? No content is read. Spec: docs/spec/21-packages.md §10.1, §11. Pure.
 */
import type { Sha256 } from '../../core/index.ts';
import {
  type DeltaManifest,
  type DeltaMember,
  digestOf,
  PACKAGE_FILES,
  type PackageManifest,
  type PackageMember,
  type PackageTier,
  packageMembers,
} from '../../protocol/index.ts';
import { completeTiers, filesOfPlanned, missingOf, planMembers } from '../manifest/plan-members.ts';
import type { PackagePapers } from '../manifest/read-papers.ts';
import type { PackageEntry } from '../ports.ts';
import { readChecksums } from './checksums.ts';
import type { ProblemList } from './report.ts';

/** A file as the signed manifest, or delta.yaml, names it. */
export interface NamedFile {
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

/** Files of this package by path, but for the papers. Faults of delta.yaml are told. */
export function namedFiles({ manifest, delta, digest }: PackagePapers, problems: ProblemList): Map<string, NamedFile> {
  const members = new Map(packageMembers(manifest).map((member) => [member.path, member]));
  if (delta === undefined) return members;
  checkTarget(delta, manifest, digest, problems);
  const files = new Map<string, NamedFile>();
  for (const said of delta.members) {
    const member = members.get(said.path);
    if (member === undefined)
      problems.add('delta_bad', `${PACKAGE_FILES.delta} names ${said.path}, which is no member`, { path: said.path });
    else if (said.how === 'full') files.set(said.path, member);
    else if (said.how === 'difference') addDifferences(said, member, { files, members, problems });
  }
  return files;
}

function checkTarget({ delta }: DeltaManifest, manifest: PackageManifest, digest: Sha256, problems: ProblemList): void {
  const { version } = manifest.package;
  if (delta.target_version === version && digestOf(delta.target_manifest) === digest) return;
  problems.add(
    'delta_bad',
    `${PACKAGE_FILES.delta} is for ${delta.target_version}, another package than this ${version}`,
  );
}

interface Files {
  readonly files: Map<string, NamedFile>;
  readonly members: ReadonlyMap<string, PackageMember>;
  readonly problems: ProblemList;
}

function addDifferences(said: DeltaMember, member: PackageMember, { files, members, problems }: Files): void {
  const { path, differences = [] } = said;
  const wrong = (what: string) => problems.add('delta_bad', `the difference for ${path} ${what}`, { path });
  const last = differences.at(-1);
  if (last === undefined || digestOf(last.target_hash) !== member.sha256)
    wrong('does not end at what the manifest names');
  for (const { delta_path, delta_size_bytes, delta_hash } of differences) {
    const file = { sizeBytes: delta_size_bytes, sha256: digestOf(delta_hash) };
    const other = files.get(delta_path) ?? members.get(delta_path);
    if (PAPERS.has(delta_path)) wrong(`lies in the place of ${delta_path}`);
    else if (other === undefined) files.set(delta_path, file);
    else if (!isSame(file, other)) wrong(`lies in the place of another file, ${delta_path}`);
    else files.set(delta_path, file);
  }
}

function isSame(one: NamedFile, other: NamedFile): boolean {
  return one.sizeBytes === other.sizeBytes && one.sha256 === other.sha256;
}

const PAPERS: ReadonlySet<string> = new Set(Object.values(PACKAGE_FILES));

/** Every file is named, and as large as it is named. */
export function checkEntries(
  entries: readonly PackageEntry[],
  named: ReadonlyMap<string, NamedFile>,
  problems: ProblemList,
): void {
  for (const { path, sizeBytes } of entries.filter((entry) => !PAPERS.has(entry.path))) {
    const file = named.get(path);
    if (file === undefined)
      problems.add('member_strange', `${path} is named by neither manifest nor ${PACKAGE_FILES.delta}`, { path });
    else if (file.sizeBytes !== sizeBytes)
      problems.add('size_wrong', `${path} has ${sizeBytes} bytes, wanted ${file.sizeBytes}`, { path });
  }
}

/** The list names the files that there are, each with the digest that it should have. */
export function checkChecksums(
  { checksums, manifestPaper, deltaPaper }: PackagePapers,
  entries: readonly PackageEntry[],
  named: ReadonlyMap<string, NamedFile>,
  problems: ProblemList,
): void {
  const wrong = (what: string, path?: string) =>
    problems.add('checksums_wrong', `${PACKAGE_FILES.checksums}: ${what}`, path === undefined ? {} : { path });
  if (checksums === undefined) {
    wrong('it is not there');
    return;
  }
  const { digests, faults } = readChecksums(checksums.bytes);
  for (const fault of faults) wrong(fault);
  const there = new Set(entries.map(({ path }) => path));
  for (const [path, digest] of digests) {
    const wanted = named.get(path)?.sha256 ?? paperOf(path, manifestPaper.sha256, deltaPaper?.sha256);
    if (UNLISTED.has(path)) wrong(`it lists ${path}, which is not listed`, path);
    else if (!there.has(path)) problems.add('member_missing', `${path} is listed and not there`, { path });
    else if (wanted !== undefined && wanted !== digest) wrong(`${path} has ${digest} in it, wanted ${wanted}`, path);
  }
  for (const path of there) if (!digests.has(path) && !UNLISTED.has(path)) wrong(`it does not list ${path}`, path);
}

function paperOf(path: string, manifest: Sha256, delta: Sha256 | undefined): Sha256 | undefined {
  return path === PACKAGE_FILES.manifest ? manifest : path === PACKAGE_FILES.delta ? delta : undefined;
}

const UNLISTED: ReadonlySet<string> = new Set([PACKAGE_FILES.checksums, PACKAGE_FILES.custody]);

/** A tier at least is whole, and nothing is of a tier only that is not. */
export function checkTiers(
  { manifest, delta }: PackagePapers,
  entries: readonly PackageEntry[],
  problems: ProblemList,
): PackageTier[] {
  const there = new Set(entries.map(({ path }) => path));
  const hasFile = (path: string) => there.has(path);
  if (delta !== undefined) checkDeltaFiles(delta, hasFile, problems);
  const complete = completeTiers(manifest, delta, hasFile);
  const taken = new Set(complete.flatMap((tier) => planMembers(manifest, tier, delta).flatMap(filesOfPlanned)));
  const all = planMembers(manifest, undefined, delta).flatMap(filesOfPlanned).filter(hasFile);
  const orphan = all.find((path) => !taken.has(path));
  if (complete.length === 0 || orphan !== undefined) {
    const tier = manifest.package.tiers.find((one) => !complete.includes(one)) ?? 'tier_1';
    const missing = missingOf(manifest, tier, delta, hasFile);
    const words = complete.length === 0 ? 'no tier is whole' : `${orphan} is of no tier that is whole`;
    const more = missing.length > 1 ? ` and ${missing.length - 1} more` : '';
    problems.add('tier_incomplete', `${words}: ${tier} lacks ${missing[0]}${more}`, {
      data: { tier, missing: missing.slice(0, MISSING_TOLD) },
    });
  }
  return complete;
}

const MISSING_TOLD = 20;

/** What delta.yaml says that is here. */
function checkDeltaFiles({ members }: DeltaManifest, hasFile: (path: string) => boolean, problems: ProblemList): void {
  for (const { path, how, differences = [] } of members) {
    const files = how === 'full' ? [path] : differences.map(({ delta_path }) => delta_path);
    for (const file of files.filter((one) => !hasFile(one)))
      problems.add('member_missing', `${file} is named by ${PACKAGE_FILES.delta} and not there`, { path: file });
  }
}
