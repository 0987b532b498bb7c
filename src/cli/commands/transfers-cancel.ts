import type { Transfer } from '../../api/index.ts';
import type { CommandSpec } from '../command.ts';
import { CliError } from '../errors.ts';
import { isActive } from '../transfer-table.ts';

export const transfersCancel: CommandSpec = {
  usage: 'cancel <id>',
  about: 'Cancel a transfer, by the first digits of its request or by its model; the part is kept',
  examples: ['atmosphere transfers cancel 3f2a91c0', 'atmosphere transfers cancel org/llama3'],
  async run(context, { args: [id = ''] }) {
    const { transfers } = await context.call('transfers');
    const { request_id } = chooseOne(transfers, id);
    const answer = await context.call('transferCancel', { params: { request_id } });
    context.out.answer(answer, () => [
      `${answer.state.toLowerCase()} ${answer.model_id}@${answer.version}; its part is kept`,
    ]);
    return 0;
  },
};

/** Exactly one must be meant: a wrong cancel costs somebody gigabytes. */
function chooseOne(transfers: readonly Transfer[], id: string): Transfer {
  const fitting = transfers.filter((transfer) => isMeant(transfer, id));
  const [only, second] = fitting;
  if (only === undefined)
    throw new CliError('nothing_found', `Cancelling ${id}: no transfer of that request or model`, {
      data: { try: 'atmosphere transfers' },
    });
  if (second === undefined) return only;
  throw new CliError('bad_usage', `Cancelling ${id}: ${fitting.length} transfers fit; give more of the request`, {
    data: { try: 'atmosphere transfers' },
  });
}

function isMeant(transfer: Transfer, id: string): boolean {
  if (transfer.request_id === id) return true;
  return isActive(transfer) && (transfer.model_id === id || (id.length >= 4 && transfer.request_id.startsWith(id)));
}
