/** What `transfers pause` and `transfers resume` do: one transfer, or all that have not ended. */
import type { Transfer } from '../api/index.ts';
import { chooseTransfer } from './choose-transfer.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';

export interface WhichTransfers {
  readonly id: string | undefined;
  readonly all: boolean;
}

export async function pauseOrResume(
  context: Context,
  route: 'transferPause' | 'transferResume',
  { id, all }: WhichTransfers,
): Promise<number> {
  const doing = route === 'transferPause' ? 'Pausing' : 'Resuming';
  if ((id === undefined) !== all)
    throw new CliError('bad_usage', `${doing}: wanted one transfer, or --all`, {
      data: { try: 'atmosphere transfers' },
    });
  const body = id === undefined ? {} : { request_id: await findRequest(context, id, doing) };
  const answer = await context.call(route, { body });
  context.out.answer(answer, () => answer.transfers.map(describe));
  if (answer.transfers.length === 0) context.out.note('no transfer is on its way');
  return 0;
}

async function findRequest(context: Context, id: string, doing: string): Promise<string> {
  const { transfers } = await context.call('transfers');
  return chooseTransfer(transfers, id, doing).request_id;
}

function describe({ request_id, model_id, version, state, progress_percent }: Transfer): string {
  const now = state === 'Paused' ? 'paused' : state === 'Pending' ? 'goes on' : state.toLowerCase();
  return `${now} ${model_id}@${version}, ${Math.floor(progress_percent)}% here  (${request_id.slice(0, 8)})`;
}
