import type { CommandSpec } from '../command.ts';

export const rolloutPause: CommandSpec = {
  usage: 'pause <id>',
  about: 'Begin no further wave; the nodes of those that began go on',
  examples: ['atmosphere rollout pause 1f6c9a2b'],
  async run(context, { args: [id = ''] }) {
    return (await import('../change-rollout.ts')).changeRollout(context, id, 'pause');
  },
};
