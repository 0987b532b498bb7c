import type { CommandSpec } from '../command.ts';
import { pauseOrResume } from '../pause-transfers.ts';

export const transfersResume: CommandSpec<{ all?: boolean }> = {
  usage: 'resume [id]',
  about: 'Let a paused transfer go on from where it is',
  examples: ['atmosphere transfers resume org/llama3', 'atmosphere transfers resume --all'],
  options: [{ flags: '--all', about: 'every paused transfer' }],
  async run(context, { args: [id], options: { all = false } }) {
    return await pauseOrResume(context, 'transferResume', { id, all });
  },
};
