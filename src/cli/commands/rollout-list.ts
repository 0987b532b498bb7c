import type { CommandSpec } from '../command.ts';
import { ROLLOUT_COLUMNS, toRolloutCells } from '../rollout-lines.ts';

export const rolloutList: CommandSpec = {
  usage: 'list',
  about: 'Rollouts of this mesh, newest first',
  examples: ['atmosphere rollout list', 'atmosphere rollout list --json'],
  async run(context) {
    const answer = await context.call('rollouts');
    const { rollouts } = answer;
    context.out.answer(answer, () =>
      rollouts.length === 0 ? [] : context.out.table(ROLLOUT_COLUMNS, rollouts.map(toRolloutCells)),
    );
    if (rollouts.length === 0)
      context.out.note('no rollouts; to begin one: atmosphere model deploy NAME --all --strategy canary');
    return 0;
  },
};
