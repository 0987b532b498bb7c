import type { CommandSpec } from '../command.ts';

export const rolloutResume: CommandSpec = {
  usage: 'resume <id>',
  about: 'Let a rollout that waits go on',
  examples: ['atmosphere rollout resume 1f6c9a2b'],
  async run(context, { args: [id = ''] }) {
    return (await import('../change-rollout.ts')).changeRollout(context, id, 'resume');
  },
};
