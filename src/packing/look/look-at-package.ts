/** `package inspect`, `verify` and `diff`: what lies in a file, a folder or parts, with the eyes of the home’s node. Spec: docs/spec/21-packages.md §10, §15. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AtmoError,
  type AtmoErrorCode,
  assertGood,
  diffPackages,
  findWrongParts,
  inspectPackage,
  openPackageSource,
  type PackageDiff,
  type PackageInspection,
  type PackageReport,
  type PackageSource,
  type PackageTrust,
  readPapers,
  signedPackageBytes,
  verifyPackage,
} from '../../atmo/index.ts';
import { messageOf, systemCodeOf } from '../../core/index.ts';
import { readHomeTrust } from '../sign/home-trust.ts';
import { type OnProgress, ProgressMeter } from '../write/progress.ts';

export interface LookOptions {
  readonly home: string;
  readonly nowMs: number;
}

export interface Inspected {
  readonly inspection: PackageInspection;
  /** A node said whom to trust; without one a signature holds or not, and nobody knows whose it is. */
  readonly isTrustKnown: boolean;
}

export async function lookInto(path: string, { home, nowMs }: LookOptions): Promise<Inspected> {
  const trust = readHomeTrust(home, nowMs);
  await using source = await openPackageSource(path);
  return { inspection: await inspectPackage(source, trust), isTrustKnown: trust !== undefined };
}

export interface VerifyWish extends LookOptions {
  readonly quick: boolean;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Verified {
  readonly report: PackageReport;
  readonly isTrustKnown: boolean;
}

/** Where parts are at fault they are named, before what came of it: those are to be copied again. */
export async function verifyFile(path: string, wish: VerifyWish): Promise<Verified> {
  try {
    const verified = await verifyWhole(path, wish);
    if (verified.report.isGood || wish.quick) return verified;
    return { ...verified, report: withFirst(verified.report, await wrongPartsAt(path, wish)) };
  } catch (thrown) {
    if (wish.quick || !(thrown instanceof AtmoError) || NOT_OF_BYTES.has(thrown.code)) throw thrown;
    const [wrong] = await wrongPartsAt(path, wish);
    throw wrong ?? thrown;
  }
}

/** What no part that was copied again would change. */
const NOT_OF_BYTES: ReadonlySet<AtmoErrorCode> = new Set([
  ...(['not_a_package', 'parts_missing', 'bad_index', 'unreadable', 'changed', 'cancelled'] as const),
]);

async function wrongPartsAt(path: string, { onProgress, signal }: VerifyWish): Promise<AtmoError[]> {
  let meter: ProgressMeter | undefined;
  const onBytes = (count: number, totalBytes: number): void => {
    meter ??= new ProgressMeter('checking parts', totalBytes, onProgress);
    meter.add(count);
  };
  return await findWrongParts(path, { onBytes, signal });
}

function withFirst(report: PackageReport, errors: readonly AtmoError[]): PackageReport {
  const told = errors.map(({ code, message, data }) => ({ code, message, data, path: String(data.path) }));
  return { ...report, problems: [...told, ...report.problems], problemCount: report.problemCount + told.length };
}

async function verifyWhole(path: string, wish: VerifyWish): Promise<Verified> {
  const { home, nowMs, quick, onProgress, signal } = wish;
  const known = readHomeTrust(home, nowMs);
  await using source = await openPackageSource(path);
  const trust = known ?? (await trustWhoeverSigned(source, nowMs));
  const meter = new ProgressMeter('verifying', source.sizeBytes, onProgress);
  let doneBytes = 0;
  const report = await verifyPackage(source, {
    ...{ trust, quick, signal },
    onProgress: (progress) => {
      meter.add(progress.doneBytes - doneBytes);
      doneBytes = progress.doneBytes;
    },
  });
  return { report, isTrustKnown: known !== undefined };
}

/** What a bad package is refused with; undefined for a good one. */
export function failureOf(report: PackageReport): AtmoError | undefined {
  try {
    assertGood(report);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof AtmoError) return thrown;
    throw thrown;
  }
}

/** Where nobody said whom to trust, a package is held against its own words: whole and signed, by whomever. */
async function trustWhoeverSigned(source: PackageSource, nowMs: number): Promise<PackageTrust> {
  const said = await readPapers(source).catch(() => undefined);
  const meshId = said?.manifest.signatures?.mesh_id;
  return {
    ownMesh: meshId ?? NO_MESH,
    ...{ trustedMeshes: [], founders: [], rolesThatMayWrite: ['*'], isRevoked: () => false, nowMs },
  };
}

const NO_MESH = 'mesh_none' as PackageTrust['ownMesh'];

export async function compareFiles(before: string, after: string, signal?: AbortSignal): Promise<PackageDiff> {
  await using one = await openPackageSource(before);
  await using other = await openPackageSource(after);
  return await diffPackages(one, other, signal);
}

/**
 * What `openssl pkeyutl -verify -rawin` takes: `signed-bytes`, and for each signature `mesh.sig`, `mesh.pem`. The files’ paths; they
 * are written over nothing. Throws AtmoError `package_unsigned`, `already_there`.
 */
export async function writeSignedBytes(inspection: PackageInspection, folder: string): Promise<string[]> {
  const { bytes, signatures } = signedPackageBytes(inspection.manifest);
  const files: (readonly [string, string | Buffer])[] = [
    [join(folder, 'signed-bytes'), bytes],
    ...signatures.flatMap(({ by, signature, keyPem }): (readonly [string, string | Buffer])[] => [
      [join(folder, `${by}.sig`), signature],
      [join(folder, `${by}.pem`), keyPem],
    ]),
  ];
  await mkdir(folder, { recursive: true }).catch((thrown) => rethrow(thrown, folder));
  for (const [path, content] of files)
    await writeFile(path, content, { flag: 'wx' }).catch((thrown) => rethrow(thrown, path));
  return files.map(([path]) => path);
}

function rethrow(cause: unknown, path: string): never {
  const system = systemCodeOf(cause);
  const code = system === 'EEXIST' ? 'already_there' : 'unwritable';
  throw new AtmoError(code, `Writing ${path}: ${messageOf(cause)}`, { cause, data: { system } });
}
