import { chooseTransfer } from '../choose-transfer.ts';
import type { CommandSpec } from '../command.ts';
import { CliError } from '../errors.ts';
import { PRIORITY_WORDS } from '../priority-words.ts';

export const transfersPriority: CommandSpec = {
  usage: 'priority <id> <priority>',
  about: 'Put a transfer before others, or behind: critical, high, normal or low',
  examples: ['atmosphere transfers priority org/llama3 critical', 'atmosphere transfers priority 3f2a91c0 low --json'],
  async run(context, { args: [id = '', word = ''] }) {
    const priority = PRIORITY_WORDS.find((known) => known === word);
    if (priority === undefined)
      throw new CliError('bad_usage', `Reading the priority ${word}: wanted ${PRIORITY_WORDS.join(', ')}`, {
        data: { try: 'atmosphere transfers priority --help' },
      });
    const { transfers } = await context.call('transfers');
    const { request_id } = chooseTransfer(transfers, id, 'Prioritizing');
    const answer = await context.call('transferWish', { body: { request_id, priority } });
    context.out.answer(answer, () => [`${answer.model_id}@${answer.version} has priority ${answer.priority}`]);
    return 0;
  },
};
