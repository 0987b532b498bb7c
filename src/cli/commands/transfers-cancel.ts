import { chooseTransfer } from '../choose-transfer.ts';
import type { CommandSpec } from '../command.ts';
import { formatPercent } from '../format.ts';

export const transfersCancel: CommandSpec = {
  usage: 'cancel <id>',
  about: 'Cancel a transfer, by the first digits of its request or by its model; the part is kept',
  examples: ['atmosphere transfers cancel 3f2a91c0', 'atmosphere transfers cancel org/llama3'],
  async run(context, { args: [id = ''] }) {
    const { transfers } = await context.call('transfers');
    const { request_id } = chooseTransfer(transfers, id, 'Cancelling');
    const answer = await context.call('transferCancel', { params: { request_id } });
    context.out.answer(answer, () => [
      `cancelled ${answer.model_id}@${answer.version}, ${formatPercent(answer.progress_percent)} here and kept`,
    ]);
    context.out.note(`to go on: atmosphere model pull ${answer.model_id}`);
    return 0;
  },
};
