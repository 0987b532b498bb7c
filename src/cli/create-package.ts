/** `package create`: files are read here; the daemon says where the library’s lie. Spec: docs/spec/11-cli.md §6, 21-packages.md §13. */
import { resolve } from 'node:path';
import { formatBytes } from '../core/index.ts';
import {
  type CreatedPackage,
  type CreateResult,
  createPackage,
  openHomeSeal,
  type ResolveModels,
  readFounderKey,
} from '../packing/index.ts';
import { type PackageTier, packageDigest } from '../protocol/index.ts';
import type { Context } from './context.ts';
import { formatCount } from './format.ts';
import { needed } from './package-flags.ts';
import { showPacking } from './packing-progress.ts';

export interface CreateOptions {
  readonly mission?: string;
  readonly version?: string;
  readonly from?: string;
  readonly tier?: readonly PackageTier[];
  readonly output?: string;
  readonly founderKey?: string;
}

export async function createFromMission(context: Context, options: CreateOptions): Promise<number> {
  const { io, home, signal } = context;
  const [mission, version] = [needed(options.mission, '--mission'), needed(options.version, '--version')];
  const founderKey =
    options.founderKey === undefined ? undefined : await readFounderKey(resolve(io.cwd, options.founderKey));
  const startedMs = performance.now();
  const result = await createPackage({
    ...{ mission, version, from: options.from, tiers: options.tier ?? [], output: options.output ?? '.' },
    ...{ cwd: io.cwd, home, epoch: io.env.SOURCE_DATE_EPOCH, signal },
    seal: openHomeSeal({ home, founderKey, nowMs: Date.now() }),
    resolveModels: askLibrary(context),
    onProgress: (progress) => showPacking(context, progress),
  });
  report(context, result, performance.now() - startedMs);
  return 0;
}

/** Only a mission that names models of the library needs a daemon. */
function askLibrary(context: Context): ResolveModels {
  return async (wanted) => {
    const models = wanted.map(({ id, range }) => ({ id, ...(range === undefined ? {} : { range }) }));
    return (await context.call('packageResolve', { body: { models } })).models;
  };
}

function report({ out, json }: Context, result: CreateResult, durationMs: number): void {
  const { manifest, packages, leftOut, unsafe } = result;
  out.progress.end();
  const { id, version } = manifest.package;
  if (json)
    out.event({
      ...{
        event: 'completed',
        id,
        version,
        created: manifest.package.created,
        manifest_sha256: packageDigest(manifest),
      },
      ...{ packages: packages.map(toRow), left_out: leftOut, unsafe, duration_ms: Math.round(durationMs) },
    });
  for (const path of leftOut) out.note(`left out: ${path} is no model`);
  for (const model of unsafe) out.warn(`${model.path} runs code when it is loaded: ${REFUSED} ${model.id} ${ALLOWED}`);
  for (const made of packages) out.line(describe(made));
  out.note(`to take it along: atmosphere package export ${packages[0]?.path ?? id} --split 4GiB --output DIR`);
}

const REFUSED = 'a site refuses the package unless its signer may ship code (atmosphere access set';
const ALLOWED = '--ship-code ROLE) and its machines allow it (atmosphere up --allow-code)';

function describe({ path, sizeBytes, tiers, members, isUnchanged }: CreatedPackage): string {
  const what = `${formatBytes(sizeBytes)}, ${formatCount(members, 'file')}, ${tiers.join(' ')}`;
  return `${isUnchanged ? 'already there, unchanged: ' : ''}${path}  ${what}`;
}

function toRow({ path, sizeBytes, tiers, members, isUnchanged }: CreatedPackage) {
  return { path, size_bytes: sizeBytes, tiers, members, unchanged: isUnchanged };
}
