/** `package import` and `package rollback`: asks the daemon and follows it. An interrupt stops an import that is not in force yet. Spec: docs/spec/11-cli.md §6. */

import { resolve } from 'node:path';
import type { PackageEvent } from '../api/index.ts';
import type { PackageTier } from '../protocol/index.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { describeFailure, failureOfEvent, reportFailure, toFailedEvent } from './failure.ts';

export interface ImportOptions {
  readonly tier?: PackageTier;
  readonly allTiers?: boolean;
  readonly allowDowngrade?: boolean;
  readonly allowOtherMesh?: boolean;
  readonly reason?: string;
}

export async function importPackage(context: Context, path: string, options: ImportOptions): Promise<number> {
  const { tier, allTiers, allowDowngrade = false, allowOtherMesh = false, reason } = options;
  if (allowDowngrade !== (reason !== undefined))
    throw new CliError('bad_usage', '--allow-downgrade and --reason TEXT belong together');
  const body = {
    ...{ path: resolve(context.io.cwd, path), allow_downgrade: allowDowngrade },
    ...(allowOtherMesh ? { allow_other_mesh: true } : {}),
    ...(tier === undefined ? {} : { tier }),
    ...(allTiers === undefined ? {} : { all_tiers: allTiers }),
    ...(reason === undefined ? {} : { reason }),
  };
  const client = await context.connect();
  return await follow(context, client.stream('packageImport', { body }, context.signal));
}

export async function rollBackPackage(context: Context, id: string, reason: string | undefined): Promise<number> {
  const client = await context.connect();
  const body = { id, ...(reason === undefined ? {} : { reason }) };
  return await follow(context, client.stream('packageRollback', { body }, context.signal));
}

async function follow(context: Context, events: AsyncIterable<PackageEvent>): Promise<number> {
  try {
    for await (const event of events) {
      if (event.event === 'failed') throw failureOfEvent(event);
      if (context.json) context.out.event(event);
      show(context, event);
      if (event.event === 'completed' || event.event === 'waiting') return 0;
    }
    throw failureOfEvent({ code: 'daemon_unreachable', kind: 'unreachable', error: 'The daemon broke off its answer' });
  } catch (thrown) {
    const failure = describeFailure(thrown, context);
    if (context.json) context.out.event(toFailedEvent(failure));
    reportFailure(context, failure);
    return failure.exitCode;
  }
}

/** Results on stdout: what was installed, what changed. Steps are notes. */
function show({ out, json }: Context, event: PackageEvent): void {
  if (json) return;
  if (event.event === 'progress') out.progress.show([toView(event)]);
  else if (event.event === 'step') out.note(`${event.step}`);
  else if (event.event === 'note') out.note(event.message ?? '');
  else for (const line of linesOf(event)) out.line(line);
  if (event.event === 'waiting' || event.event === 'completed') out.progress.end();
}

function linesOf(event: PackageEvent): readonly string[] {
  const { message = '', diff = '', missing_parts = [] } = event;
  if (event.event === 'agent') return [`agent ${message}`];
  if (event.event === 'completed') return [resultOf(event)];
  if (event.event === 'waiting') return [`waiting: ${message}`, ...missing_parts.map((part) => `  missing: ${part}`)];
  if (event.event !== 'config') return [];
  const changed = diff.trimEnd().split('\n');
  return [`config ${event.path}: ${message}`, ...changed.filter((line) => line !== '').map((line) => `  ${line}`)];
}

function resultOf({ id, version, tier, already_here, package: row }: PackageEvent): string {
  if (already_here === true) return `${id} ${version} (${tier}) is installed already: the very same`;
  const previous = row?.previous_version;
  const before = previous === null || previous === undefined ? '' : `; before: ${previous}`;
  return `installed ${id} ${version} (${tier})${before}`;
}

function toView({
  id = 'storing',
  done_bytes = 0,
  total_bytes = 0,
  rate_bytes_per_second: rate,
  eta_seconds,
}: PackageEvent) {
  const speed = rate === undefined ? {} : { rateMbps: (rate * 8) / 1e6, etaSeconds: eta_seconds ?? null };
  return { label: id, doneBytes: done_bytes, totalBytes: total_bytes, ...speed };
}
