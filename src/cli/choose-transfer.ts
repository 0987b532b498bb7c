/** The transfer that a command line means: by the first digits of its request, or by its model. Pure. */
import type { Transfer } from '../api/index.ts';
import { CliError } from './errors.ts';
import { isActive } from './transfer-table.ts';

/** Exactly one must be meant: a wrong cancel costs somebody gigabytes. Throws CliError `nothing_found`, `bad_usage`. */
export function chooseTransfer(transfers: readonly Transfer[], id: string, doing: string): Transfer {
  const [only, second, ...more] = transfers.filter((transfer) => isMeant(transfer, id));
  if (only === undefined)
    throw new CliError('nothing_found', `${doing} ${id}: no transfer of that request or model`, {
      data: { try: 'atmosphere transfers' },
    });
  if (second === undefined) return only;
  throw new CliError('bad_usage', `${doing} ${id}: ${more.length + 2} transfers fit; give more of the request`, {
    data: { try: 'atmosphere transfers' },
  });
}

function isMeant(transfer: Transfer, id: string): boolean {
  if (transfer.request_id === id) return true;
  return isActive(transfer) && (transfer.model_id === id || (id.length >= 4 && transfer.request_id.startsWith(id)));
}
