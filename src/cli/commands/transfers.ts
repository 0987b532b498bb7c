import type { CommandSpec } from '../command.ts';
import { TRANSFER_COLUMNS, toTransferCells } from '../transfer-table.ts';
import { transfersCancel } from './transfers-cancel.ts';
import { transfersLimit } from './transfers-limit.ts';
import { transfersPause } from './transfers-pause.ts';
import { transfersPriority } from './transfers-priority.ts';
import { transfersResume } from './transfers-resume.ts';

export const transfers: CommandSpec<{ watch?: boolean }> = {
  usage: 'transfers',
  about: 'What is on its way, and what was',
  examples: ['atmosphere transfers', 'atmosphere transfers --watch', 'atmosphere transfers cancel org/llama3'],
  options: [{ flags: '-w, --watch', about: 'follow every change until Ctrl-C' }],
  async run(context, { options }) {
    if (options.watch === true) return (await import('../watch-transfers.ts')).watchTransfers(context);
    const answer = await context.call('transfers');
    context.out.answer(answer, () =>
      answer.transfers.length === 0 ? [] : context.out.table(TRANSFER_COLUMNS, answer.transfers.map(toTransferCells)),
    );
    if (answer.transfers.length === 0) context.out.note('no transfers yet; next: atmosphere model pull NAME');
    return 0;
  },
  children: [transfersCancel, transfersPause, transfersResume, transfersPriority, transfersLimit],
};
