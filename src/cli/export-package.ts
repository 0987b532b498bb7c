/** `package export`: of a package that lies here, or that the daemon keeps and names the files of. Spec: docs/spec/11-cli.md §6, 21-packages.md §14. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type AnswerOf, RemoteError } from '../api/index.ts';
import { AtmosphereError, formatBytes, type Sha256 } from '../core/index.ts';
import {
  type DifferenceSavings,
  type ExportResult,
  exportPackage,
  type FindBlobs,
  openFileStock,
  openHand,
  openKeptStock,
  parsePartSize,
  readInventory,
  type Stock,
} from '../packing/index.ts';
import { type PackageTier, packageDigest, readPackageRef } from '../protocol/index.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { formatCount } from './format.ts';
import { showPacking } from './packing-progress.ts';

export interface ExportOptions {
  readonly version?: string;
  readonly tier?: PackageTier;
  readonly format?: 'archive' | 'dir';
  readonly split?: string;
  readonly since?: string;
  readonly to?: string;
  readonly output?: string;
}

export async function exportTo(context: Context, name: string, options: ExportOptions): Promise<number> {
  const { io, home, signal } = context;
  const { tier, format = 'archive', split, since, to, output = '.' } = options;
  if (split !== undefined && format === 'dir')
    throw new CliError('bad_usage', 'A folder has no parts: --split or --format dir');
  const partBytes = split === undefined ? undefined : parsePartSize(split);
  const inventory = since === undefined ? undefined : await readInventory(resolve(io.cwd, since));
  const hand = openHand(home);
  await using stock = await openStock(context, name, options);
  const result = await exportPackage({
    ...{ stock, tier, format, partBytes, since: inventory, to, hand, signal, nowMs: Date.now() },
    ...{ output: resolve(io.cwd, output), findBlobs: findBlobs(context) },
    onProgress: (progress) => showPacking(context, progress),
  });
  report(context, result);
  return 0;
}

async function openStock(context: Context, name: string, { version }: ExportOptions): Promise<Stock> {
  const path = resolve(context.io.cwd, name);
  if (existsSync(path) || /[/\\]|\.atmo/.test(name)) return await openFileStock(path);
  const kept = await findInstalled(context, name, version);
  return await openKeptStock({ id: kept.id, version: kept.version, members: kept.members });
}

/** `line-1.3` may be an id, or an id and a version: each is asked for, the whole first. */
async function findInstalled(
  context: Context,
  name: string,
  version: string | undefined,
): Promise<AnswerOf<'packageInstalled'>> {
  const refs = readPackageRef(name).filter((ref) => version === undefined || ref.version === undefined);
  let failure: unknown = new CliError(
    'nothing_found',
    `Looking for the package ${name}: it is no file, and no name of a package`,
  );
  for (const ref of refs) {
    const wanted = version ?? ref.version;
    const query = { id: ref.id, ...(wanted === undefined ? {} : { version: wanted }) };
    try {
      return await context.call('packageInstalled', { query });
    } catch (thrown) {
      if (!(thrown instanceof RemoteError) || thrown.kind !== 'not_found') throw thrown;
      if (ref === refs[0]) failure = thrown;
    }
  }
  throw failure;
}

/** Without a daemon nothing is known of what is here: files come whole, and that is said. */
function findBlobs(context: Context): FindBlobs {
  return async (digests) => {
    if (digests.length === 0) return new Map();
    try {
      const { blobs } = await context.call('packageBlobs', { body: { sha256: [...digests] } });
      return new Map(blobs.map(({ sha256, file }) => [sha256 as Sha256, file]));
    } catch (thrown) {
      if (!(thrown instanceof AtmosphereError) || thrown.code !== 'daemon_unreachable') throw thrown;
      context.out.note('no daemon runs: what the site has an older version of is packed whole, not as a difference');
      return new Map();
    }
  };
}

function report({ out, json }: Context, result: ExportResult): void {
  const { manifest, tiers, path, files, sizeBytes, members, savings } = result;
  const { id, version } = manifest.package;
  out.progress.end();
  if (json)
    out.event({
      ...{
        event: 'completed',
        id,
        version,
        manifest_sha256: packageDigest(manifest),
        tiers,
        path,
        size_bytes: sizeBytes,
        members,
      },
      files: files.map((file) => ({ path: file.path, size_bytes: file.sizeBytes })),
      difference: savings === undefined ? null : toRow(savings),
    });
  for (const file of files) out.line(`${file.path}  ${formatBytes(file.sizeBytes)}`);
  out.line(`  ${id} ${version}: ${formatBytes(sizeBytes)}, ${formatCount(members, 'file')}, ${tiers.join(' ')}`);
  if (savings !== undefined) for (const line of savingLines(savings)) out.line(`  ${line}`);
  out.note(`to install it there: atmosphere package import ${files[0]?.path ?? path}`);
}

function savingLines({
  site,
  baseVersion,
  fullBytes,
  sentBytes,
  heldMembers,
  differences,
  fullMembers,
  basesNotHere,
}: DifferenceSavings): string[] {
  const saved = fullBytes === 0 ? 0 : Math.round(100 * (1 - sentBytes / fullBytes));
  const base = baseVersion === undefined ? 'which does not have the package' : `which has ${baseVersion}`;
  return [
    `for ${site}, ${base}: ${formatBytes(sentBytes)} instead of ${formatBytes(fullBytes)}, ${saved}% saved`,
    `${formatCount(heldMembers, 'file')} there already, ${formatCount(differences.length, 'difference')}, ${fullMembers} whole`,
    ...differences.map(
      (one) => `  ${one.path}: ${formatBytes(one.sizeBytes)} instead of ${formatBytes(one.fullBytes)}`,
    ),
    ...basesNotHere.map((path) => `  ${path}: whole, because what the site has of it is not on this machine`),
  ];
}

function toRow(savings: DifferenceSavings): object {
  const { site, baseVersion, fullBytes, sentBytes, heldMembers, fullMembers, differences, basesNotHere, changes } =
    savings;
  return {
    ...{ site, base_version: baseVersion ?? null, full_bytes: fullBytes, sent_bytes: sentBytes },
    ...{ held_members: heldMembers, full_members: fullMembers, bases_not_here: basesNotHere, changes },
    differences: differences.map((one) => ({ path: one.path, full_bytes: one.fullBytes, size_bytes: one.sizeBytes })),
  };
}
