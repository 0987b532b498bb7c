/** `rollout pause`, `resume` and `abort`. */
import type { Context } from './context.ts';
import { rolloutLines, shortId } from './rollout-lines.ts';

export async function changeRollout(
  context: Context,
  id: string,
  change: 'pause' | 'resume' | 'abort' | 'leave',
): Promise<number> {
  const row = await context.call('rolloutChange', { body: { id, change } });
  context.out.answer(row, () => rolloutLines(row));
  const id8 = shortId(row);
  if (row.phase === 'paused') context.out.note(`to let it go on: atmosphere rollout resume ${id8}`);
  else if (!row.over) context.out.note(`to follow it: atmosphere rollout show ${id8} --watch`);
  return 0;
}
