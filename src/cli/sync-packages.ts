/** `package sync`: asks the daemon and follows it. What is got belongs to the daemon. Spec: docs/spec/11-cli.md §6, 24-local-network.md §6. */
import type { PackageEvent } from '../api/index.ts';
import type { PackageTier } from '../protocol/index.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { describeFailure, failureOfEvent, reportFailure, toFailedEvent } from './failure.ts';

export interface SyncOptions {
  readonly from?: string;
  readonly discover?: boolean;
  readonly version?: string;
  readonly tier?: PackageTier;
  readonly wait?: number;
}

export async function syncFromOthers(context: Context, id: string | undefined, options: SyncOptions): Promise<number> {
  const { from, discover = false, version, tier, wait } = options;
  if (from === undefined && !discover)
    throw new CliError('bad_usage', 'Say from whom: --from NODE, or --discover for gateways of the local network');
  const body = {
    discover,
    ...(from === undefined ? {} : { from }),
    ...(id === undefined ? {} : { id }),
    ...(version === undefined ? {} : { version }),
    ...(tier === undefined ? {} : { tier }),
    ...(wait === undefined ? {} : { wait_s: wait }),
  };
  try {
    const client = await context.connect();
    for await (const event of client.stream('packageSync', { body }, context.signal)) {
      if (event.event === 'failed') throw failureOfEvent(event);
      if (context.json) context.out.event(event);
      show(context, event);
      if (event.event === 'completed') return 0;
    }
    throw failureOfEvent({ code: 'daemon_unreachable', kind: 'unreachable', error: 'The daemon broke off its answer' });
  } catch (thrown) {
    const failure = describeFailure(thrown, context);
    if (context.json) context.out.event(toFailedEvent(failure));
    if (context.signal.aborted)
      context.out.note('the daemon goes on with what it has begun; to stop it: atmosphere transfers cancel ID');
    reportFailure(context, failure);
    return failure.exitCode;
  }
}

/** Results on stdout: what was found, what is installed. Steps are only notes. */
function show({ out }: Context, event: PackageEvent): void {
  const { message } = event;
  if (event.event === 'progress') out.progress.show([toView(event)]);
  else if (event.event === 'completed') out.progress.end();
  else if (event.event === 'found') out.line(`found: ${message ?? event.from?.name}`);
  else if (event.event === 'note' && message !== undefined) out.line(message);
  else if (event.event === 'step' && message !== undefined) out.note(message);
}

function toView(event: PackageEvent) {
  const { id = '', version = '', rate_bytes_per_second: rate } = event;
  return {
    label: `${id} ${version}`,
    doneBytes: event.done_bytes ?? 0,
    totalBytes: event.total_bytes ?? 0,
    ...(rate === undefined ? {} : { rateMbps: (rate * 8) / 1e6, etaSeconds: event.eta_seconds ?? null }),
  };
}
