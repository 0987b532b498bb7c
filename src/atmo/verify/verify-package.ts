/**
 * Is a package what it says, all of it? Everything that is wrong is found, not only the first. Quick: by its papers and sizes, in a time
 * that does not depend on how large it is; else every byte is read once. Spec: docs/spec/21-packages.md §10.
 */
import type { PackageTier } from '../../protocol/index.ts';
import { Copier } from '../copy/copier.ts';
import { type CustodyStep, verifyCustody } from '../custody/verify-custody.ts';
import { AtmoError } from '../errors.ts';
import { type PackagePapers, readPapers } from '../manifest/read-papers.ts';
import type { PackageEntry, PackageSource } from '../ports.ts';
import { type PackageSigner, type PackageTrust, verifyPackageSignature } from './package-trust.ts';
import { type PackageReport, ProblemList } from './report.ts';
import { checkChecksums, checkEntries, checkTiers, type NamedFile, namedFiles } from './structure.ts';

export interface VerifyOptions {
  readonly trust: PackageTrust;
  /** Papers and sizes only. */
  readonly quick?: boolean;
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface VerifyProgress {
  readonly path: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Faults of the package are in the report. Throws AtmoError `unreadable`, `changed`, `cancelled`. */
export async function verifyPackage(source: PackageSource, options: VerifyOptions): Promise<PackageReport> {
  const problems = new ProblemList();
  const papers = await tried(problems, async () => {
    await source.checkLayout(options.signal);
    return await readPapers(source);
  });
  const found = papers === undefined ? NOTHING : await checkPackage(source, papers, options, problems);
  return {
    ...{ name: source.name, isGood: problems.count === 0, problems: problems.kept, problemCount: problems.count },
    ...{ package: found.package, isDifference: papers?.delta !== undefined, tiers: found.tiers, signer: found.signer },
    ...{ custody: found.custody, fileCount: source.entries.length, sizeBytes: source.sizeBytes },
    hashedBytes: found.hashedBytes,
  };
}

interface Found extends Pick<PackageReport, 'package' | 'custody' | 'hashedBytes'> {
  readonly tiers: readonly PackageTier[];
  readonly signer: PackageSigner | undefined;
}

const NOTHING: Found = { package: undefined, tiers: [], signer: undefined, custody: [], hashedBytes: 0 };

async function checkPackage(
  source: PackageSource,
  papers: PackagePapers,
  options: VerifyOptions,
  problems: ProblemList,
): Promise<Found> {
  const { manifest, digest } = papers;
  const { entries } = source;
  const signer = await tried(problems, () => verifyPackageSignature(manifest, options.trust));
  const named = namedFiles(papers, problems);
  checkEntries(entries, named, problems);
  checkChecksums(papers, entries, named, problems);
  const tiers = checkTiers(papers, entries, problems);
  const custody = await tried(problems, (): CustodyStep[] =>
    verifyCustody(papers.custody?.bytes, manifest, options.trust),
  );
  const hashedBytes = options.quick === true ? 0 : await hashFiles(source, named, options, problems);
  const { id, version } = manifest.package;
  return { package: { id, version, digest }, tiers, signer, custody: custody ?? [], hashedBytes };
}

async function tried<T>(problems: ProblemList, check: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await check();
  } catch (thrown) {
    problems.catch(thrown);
    return undefined;
  }
}

/** Every named file, in the order in which they lie; how many bytes were read. */
async function hashFiles(
  source: PackageSource,
  named: ReadonlyMap<string, NamedFile>,
  { onProgress, signal }: VerifyOptions,
  problems: ProblemList,
): Promise<number> {
  const files = source.entries.filter(({ path }) => named.has(path));
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const copier = new Copier();
  let doneBytes = 0;
  try {
    for (const { path, sizeBytes } of files) {
      const onBytes = (count: number) => {
        doneBytes += count;
        onProgress?.({ path, doneBytes, totalBytes });
      };
      await hashFile(source, { path, sizeBytes }, { wanted: named.get(path), copier, onBytes, signal, problems });
    }
  } finally {
    await copier.close();
  }
  return doneBytes;
}

interface Hashing {
  readonly wanted: NamedFile | undefined;
  readonly copier: Copier;
  readonly onBytes: (count: number) => void;
  readonly signal: AbortSignal | undefined;
  readonly problems: ProblemList;
}

async function hashFile(source: PackageSource, { path, sizeBytes }: PackageEntry, hashing: Hashing): Promise<void> {
  const { wanted, copier, onBytes, signal, problems } = hashing;
  try {
    const from = { read: (buffer: Buffer, position: number) => source.read(path, buffer, position) };
    const { sha256 } = await copier.copy({ doing: `Reading ${path}`, sizeBytes, from, onBytes, signal });
    if (sha256 === wanted?.sha256) return;
    throw new AtmoError('digest_mismatch', `${path} has the SHA-256 ${sha256}, wanted ${wanted?.sha256}`, {
      data: { path, expected: wanted?.sha256, actual: sha256 },
    });
  } catch (thrown) {
    problems.catch(thrown, { path });
  }
}
