import type { CommandSpec } from '../command.ts';
import { pauseOrResume } from '../pause-transfers.ts';

export const transfersPause: CommandSpec<{ all?: boolean }> = {
  usage: 'pause [id]',
  about: 'Pause a transfer, over restarts too; what arrived is kept, and served to others',
  examples: ['atmosphere transfers pause 3f2a91c0', 'atmosphere transfers pause --all'],
  options: [{ flags: '--all', about: 'every transfer that has not ended' }],
  async run(context, { args: [id], options: { all = false } }) {
    return await pauseOrResume(context, 'transferPause', { id, all });
  },
};
