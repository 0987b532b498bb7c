/** Follows a rollout to its end, its waves redrawn in place. The rollout is the mesh's: an interrupt here leaves it alone. */
import type { RolloutRow } from '../api/index.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { failureOfEvent } from './failure.ts';
import { headLine, rolloutLines, shortId } from './rollout-lines.ts';

/** Resolves when all waves are good. Throws CliError `rollout_undone`, RemoteError. */
export async function watchRollout(context: Context, id: string): Promise<number> {
  const client = await context.connect();
  context.out.note('Ctrl-C leaves it running; to stop it: atmosphere rollout abort ID');
  let last: RolloutRow | undefined;
  for await (const row of client.stream('rolloutEvents', { query: { id } }, context.signal)) {
    last = row;
    if (context.json) context.out.event(row);
    else context.out.progress.draw(rolloutLines(row));
    if (row.over) break;
  }
  if (last?.over !== true)
    throw failureOfEvent({ code: 'daemon_unreachable', kind: 'unreachable', error: 'The daemon broke off its answer' });
  return endOf(context, last);
}

function endOf(context: Context, row: RolloutRow): number {
  if (!context.json) {
    context.out.progress.end();
    for (const line of rolloutLines(row).slice(1)) context.out.line(line);
  }
  if (row.phase === 'done') {
    context.out.line(headLine(row));
    return 0;
  }
  const what = `${row.model_id}@${row.version} was ${row.phase === 'aborted' ? 'stopped' : 'rolled back'}`;
  throw new CliError('rollout_undone', `Rolling out: ${what}: ${row.why ?? 'no reason was given'}`, {
    data: { rollout_id: row.rollout_id, try: `atmosphere rollout show ${shortId(row)}` },
  });
}
