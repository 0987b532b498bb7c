/** How far packing, exporting and verifying are. Spec: docs/spec/11-cli.md §5, §6. */
import type { PackingProgress } from '../packing/index.ts';
import type { Context } from './context.ts';

export function showPacking({ out, json }: Context, progress: PackingProgress): void {
  const { doing, doneBytes, totalBytes, bytesPerSecond, etaSeconds } = progress;
  if (json)
    out.event({
      ...{ event: 'progress', doing, done_bytes: doneBytes, total_bytes: totalBytes },
      ...{
        bytes_per_second: Math.round(bytesPerSecond),
        eta_seconds: etaSeconds === null ? null : Math.round(etaSeconds),
      },
    });
  const rateMbps = (bytesPerSecond * 8) / 1e6;
  out.progress.show([{ label: doing, doneBytes, totalBytes, rateMbps, etaSeconds }]);
}
