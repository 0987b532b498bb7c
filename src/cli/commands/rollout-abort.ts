import type { CommandSpec } from '../command.ts';

export const rolloutAbort: CommandSpec<{ rollback?: boolean }> = {
  usage: 'abort <id>',
  about: 'Stop a rollout: everybody who got the new version goes back',
  examples: ['atmosphere rollout abort 1f6c9a2b', 'atmosphere rollout abort 1f6c9a2b --no-rollback'],
  options: [{ flags: '--no-rollback', about: 'everybody stays as they are' }],
  async run(context, { args: [id = ''], options }) {
    const change = options.rollback === false ? 'leave' : 'abort';
    return (await import('../change-rollout.ts')).changeRollout(context, id, change);
  },
};
