/** `transfers --watch`: a bar for each that is on its way, a line for each that ends. */
import type { Transfer } from '../api/index.ts';
import { formatBytes } from '../core/index.ts';
import type { Context } from './context.ts';
import { formatDuration } from './format.ts';
import { isActive, toTransferView } from './transfer-table.ts';

export async function watchTransfers(context: Context): Promise<number> {
  const client = await context.connect();
  context.out.note('watching until Ctrl-C; `atmosphere transfers` lists what was');
  const active = new Map<string, Transfer>();
  for await (const transfer of client.stream('transferEvents', {}, context.signal)) {
    if (context.json) {
      context.out.event(transfer);
      continue;
    }
    if (isActive(transfer)) active.set(transfer.request_id, transfer);
    else if (active.delete(transfer.request_id)) context.out.line(describeEnd(transfer));
    context.out.progress.show([...active.values()].map(toTransferView));
  }
  return 0;
}

function describeEnd({ state, model_id, version, size_bytes, duration_ms, error }: Transfer): string {
  const why = error === undefined ? '' : `: ${error.message}`;
  return `${state.toLowerCase()} ${model_id}@${version}  ${formatBytes(size_bytes)} in ${formatDuration(duration_ms)}${why}`;
}
