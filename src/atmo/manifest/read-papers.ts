/**
 * The papers of a package: the files that say what is in it. Read whole, each within its limit; nothing of it is believed yet.
 * Spec: docs/spec/21-packages.md §1, §10.
 */
import { createHash } from 'node:crypto';
import { messageOf, type Sha256 } from '../../core/index.ts';
import {
  type DeltaManifest,
  PACKAGE_FILES,
  type PackageManifest,
  PROTOCOL_LIMITS,
  packageDigest,
  parseDeltaManifest,
  parsePackageManifest,
} from '../../protocol/index.ts';
import { AtmoError, type AtmoErrorCode } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import type { PackageSource } from '../ports.ts';

/** A file as it lies, and its digest. */
export interface Paper {
  readonly bytes: Buffer;
  readonly sha256: Sha256;
}

export interface PackagePapers {
  readonly manifest: PackageManifest;
  /** Of the signed bytes: which package this is. */
  readonly digest: Sha256;
  readonly manifestPaper: Paper;
  /** Of a difference package. */
  readonly delta: DeltaManifest | undefined;
  readonly deltaPaper: Paper | undefined;
  readonly checksums: Paper | undefined;
  readonly custody: Paper | undefined;
}

/** Throws AtmoError `manifest_bad`, `delta_bad`, `too_large` and what the source throws. */
export async function readPapers(source: PackageSource): Promise<PackagePapers> {
  const manifestPaper = await readPaper(source, PACKAGE_FILES.manifest, PROTOCOL_LIMITS.packageManifestBytes);
  if (manifestPaper === undefined)
    throw new AtmoError('manifest_bad', `Reading ${source.name}: it has no ${PACKAGE_FILES.manifest}`);
  const manifest = parseAs('manifest_bad', () => parsePackageManifest(manifestPaper.bytes));
  const deltaPaper = await readPaper(source, PACKAGE_FILES.delta, PROTOCOL_LIMITS.packageManifestBytes);
  const delta = deltaPaper === undefined ? undefined : parseAs('delta_bad', () => parseDeltaManifest(deltaPaper.bytes));
  return {
    ...{ manifest, digest: packageDigest(manifest), manifestPaper, delta, deltaPaper },
    checksums: await readPaper(source, PACKAGE_FILES.checksums, ATMO_LIMITS.checksumsBytes),
    custody: await readPaper(source, PACKAGE_FILES.custody, PROTOCOL_LIMITS.custodyBytes),
  };
}

/** Undefined when the package has no such file. Throws AtmoError `too_large`, `truncated` and what the source throws. */
export async function readPaper(source: PackageSource, path: string, maxBytes: number): Promise<Paper | undefined> {
  const entry = source.entries.find((one) => one.path === path);
  if (entry === undefined) return undefined;
  const { sizeBytes } = entry;
  if (sizeBytes > maxBytes)
    throw new AtmoError('too_large', `Reading ${path}: it has ${sizeBytes} bytes, wanted at most ${maxBytes}`);
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; ) {
    const count = await source.read(path, bytes.subarray(at), at);
    if (count === 0) throw new AtmoError('truncated', `Reading ${path}: it ends after ${at} of ${sizeBytes} bytes`);
    at += count;
  }
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') as Sha256 };
}

function parseAs<T>(code: AtmoErrorCode, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const data = (cause as { readonly data?: Record<string, unknown> }).data ?? {};
    throw new AtmoError(code, messageOf(cause), { cause, data });
  }
}
