/** `rollout pause`, `resume` and `abort`. */
import type { Context } from './context.ts';
import { rolloutLines } from './rollout-lines.ts';

export async function changeRollout(
  context: Context,
  id: string,
  change: 'pause' | 'resume' | 'abort' | 'leave',
): Promise<number> {
  const row = await context.call('rolloutChange', { body: { id, change } });
  context.out.answer(row, () => rolloutLines(row));
  return 0;
}
