/**
 * `package export`: a package that lies here, or is kept by the node, for a stick, a site or a tier. What was signed stays as it is, the custody
 * gets a line, and every byte is held against the manifest on its way. Spec: docs/spec/21-packages.md §14.
 */
import { resolve } from 'node:path';
import {
  ArchiveTarget,
  AtmoError,
  archiveSizeBytes,
  FolderTarget,
  indexName,
  type PackageTarget,
  type WrittenFile,
} from '../../atmo/index.ts';
import {
  PACKAGE_EXTENSION,
  PACKAGE_FILES,
  type PackageManifest,
  type PackageTier,
  type SiteInventory,
} from '../../protocol/index.ts';
import type { FindBlobs } from '../ports.ts';
import type { Hand } from '../sign/seal.ts';
import { assertRoom } from '../write/assert-room.ts';
import { formatChecksums } from '../write/checksums.ts';
import { type OnProgress, ProgressMeter } from '../write/progress.ts';
import { isThere } from '../write/same-package.ts';
import { writePackage } from '../write/write-package.ts';
import { type DifferenceSavings, planDifference } from './plan-difference.ts';
import { type ExportPlan, planAgain, planWhole } from './plan-export.ts';
import { readWhole, type Stock } from './stock.ts';

export interface ExportWish {
  readonly stock: Stock;
  readonly tier?: PackageTier | undefined;
  readonly format: 'archive' | 'dir';
  /** Of an archive: files of so many bytes and their index. */
  readonly partBytes?: number | undefined;
  /** What the site has that it is for. */
  readonly since?: SiteInventory | undefined;
  /** For the custody. */
  readonly to?: string | undefined;
  readonly output: string;
  readonly hand: Hand;
  /** Where contents are on this machine, to make differences against. */
  readonly findBlobs: FindBlobs;
  readonly nowMs: number;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ExportResult {
  readonly manifest: PackageManifest;
  readonly tiers: readonly PackageTier[];
  /** The archive or folder; of parts what joins them would make. */
  readonly path: string;
  readonly files: readonly WrittenFile[];
  readonly sizeBytes: number;
  readonly members: number;
  /** Of a difference package. */
  readonly savings: DifferenceSavings | undefined;
}

/** Throws PackingError, AtmoError, DeltaError; nothing has a package’s name then that is none. */
export async function exportPackage(wish: ExportWish): Promise<ExportResult> {
  await using work = await planOf(wish);
  const { plan, savings } = work;
  const path = resolve(wish.output, `${plan.name}${wish.format === 'archive' ? PACKAGE_EXTENSION : ''}`);
  await assertFree(path, wish);
  const custody = wish.hand.custody(
    plan.manifest,
    { action: 'exported', nowMs: wish.nowMs, to: wish.to },
    wish.stock.custody,
  );
  const sizeBytes = sizeOf(plan, wish.stock.manifest, custody);
  const largestBytes = wish.format === 'dir' ? largestOf(plan) : Math.min(sizeBytes, wish.partBytes ?? sizeBytes);
  await assertRoom(wish.output, { sizeBytes, largestBytes });
  const totalBytes = plan.members.reduce((sum, member) => sum + member.sizeBytes, 0);
  const meter = new ProgressMeter('exporting', totalBytes, wish.onProgress);
  await using target = targetOf(path, plan, wish, meter);
  const parts = { manifest: wish.stock.manifest, members: plan.members, custody: () => custody };
  const files = await writePackage(target, parts, wish.signal);
  const members = plan.members.filter(({ path: own }) => own !== PACKAGE_FILES.delta).length;
  return { manifest: plan.manifest, tiers: plan.tiers, path, files, sizeBytes, members, savings };
}

interface Work extends AsyncDisposable {
  readonly plan: ExportPlan;
  readonly savings: DifferenceSavings | undefined;
}

async function planOf(wish: ExportWish): Promise<Work> {
  const { stock, tier, since } = wish;
  const nothing = async () => {};
  if (stock.sizeOf(PACKAGE_FILES.delta) !== undefined && since === undefined) {
    const plan = await planAgain(stock, await readWhole(stock, PACKAGE_FILES.delta), tier);
    return { plan, savings: undefined, [Symbol.asyncDispose]: nothing };
  }
  if (since === undefined) return { plan: planWhole(stock, tier), savings: undefined, [Symbol.asyncDispose]: nothing };
  return await planDifference({ ...wish, inventory: since });
}

/** A name is taken as soon as its archive, its folder, or its parts are there. Throws AtmoError `already_there`. */
async function assertFree(path: string, { partBytes }: ExportWish): Promise<void> {
  const name = partBytes === undefined ? path : indexName(path);
  if (!(await isThere(name))) return;
  throw new AtmoError('already_there', `Writing ${name}: it is there already; remove it, or write elsewhere`, {
    data: { path: name },
  });
}

function targetOf(
  path: string,
  plan: ExportPlan,
  { format, partBytes }: ExportWish,
  meter: ProgressMeter,
): PackageTarget {
  const options = { path, created: new Date(plan.manifest.package.created), onBytes: meter.add };
  if (format === 'dir') return new FolderTarget(options);
  return new ArchiveTarget(partBytes === undefined ? options : { ...options, partBytes });
}

function sizeOf({ members }: ExportPlan, manifest: Buffer, custody: string): number {
  const first = { path: PACKAGE_FILES.manifest, sizeBytes: manifest.length };
  const checksums = formatChecksums([first, ...members].map(({ path }) => ({ path, sha256: 'a'.repeat(64) })));
  return archiveSizeBytes([
    ...[first, ...members],
    { path: PACKAGE_FILES.checksums, sizeBytes: Buffer.byteLength(checksums) },
    { path: PACKAGE_FILES.custody, sizeBytes: Buffer.byteLength(custody) },
  ]);
}

function largestOf({ members }: ExportPlan): number {
  return members.reduce((most, { sizeBytes }) => Math.max(most, sizeBytes), 0);
}
