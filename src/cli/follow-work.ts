/** Follows scanning, importing and verifying to the end. Spec: docs/spec/11-cli.md §6. */
import type { ModelRow, WorkEvent } from '../api/index.ts';
import type { Context } from './context.ts';
import { failureOfEvent } from './failure.ts';

export interface WorkOutcome {
  readonly models: readonly ModelRow[];
  readonly problems: number;
}

export interface FollowOptions {
  readonly label: string;
  /** Every event but `failed` goes to stdout with `--json`; that one becomes the command's own. */
  readonly echo: boolean;
  readonly onModel?: (row: ModelRow) => void;
}

/** Throws RemoteError when the work failed. A stream that ends without a last word counts as broken off. */
export async function followWork(
  context: Context,
  events: AsyncIterable<WorkEvent>,
  options: FollowOptions,
): Promise<WorkOutcome> {
  const models: ModelRow[] = [];
  let problems = 0;
  for await (const event of events) {
    if (event.event === 'failed') throw failureOfEvent(event);
    if (options.echo && context.json) context.out.event(event);
    showProgress(context, options.label, event);
    if (event.event === 'problem') problems += 1;
    if (event.model !== undefined && event.event !== 'progress') {
      models.push(event.model);
      options.onModel?.(event.model);
    }
    if (event.event === 'completed') return { models, problems };
  }
  throw failureOfEvent({ code: 'daemon_unreachable', kind: 'unreachable', error: 'The daemon broke off its answer' });
}

function showProgress({ out }: Context, label: string, event: WorkEvent): void {
  if (event.event === 'problem')
    out.warn(`problem: ${[event.path, event.error ?? 'not said'].filter(Boolean).join(': ')}`);
  if (event.event !== 'progress' || event.total_bytes === undefined) return;
  const name = event.path === undefined ? label : `${label} ${event.path.split(/[\\/]/).at(-1)}`;
  out.progress.show([{ label: name, doneBytes: event.done_bytes ?? 0, totalBytes: event.total_bytes }]);
}
