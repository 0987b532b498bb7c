/** Gets a difference's own blob from those that offer it, as any other blob; given up when nothing comes any more. */
import type { Clock } from '../../core/index.ts';
import type { DifferenceLink } from '../../protocol/index.ts';
import type { DownloadProgress, SourceOutcome } from '../../transfer/index.ts';
import { pullBlob } from '../pull/blob-pull.ts';
import type { Holder, HolderView, WantedDifference } from '../pull/ports.ts';
import { StallWatch } from './stall-watch.ts';

export interface FetchedDifference {
  readonly link: DifferenceLink;
  readonly offerers: readonly Holder[];
  readonly wanted: Pick<WantedDifference, 'target' | 'deps' | 'marks'>;
  readonly clock: Clock;
  readonly onProgress: (progress: DownloadProgress) => void;
}

/** Resolves with who gave what of it; nobody where it was here. Throws TransferError, StoreError, CoreError `timed_out`. */
export async function fetchDifference(
  fetched: FetchedDifference,
  signal: AbortSignal,
): Promise<readonly SourceOutcome[]> {
  const { link, wanted, clock, onProgress } = fetched;
  const { deps, target } = wanted;
  if ((await deps.store.stat(link.sha256)) !== undefined) return [];
  const watch = new StallWatch(clock);
  try {
    const facts = { sha256: link.sha256, sizeBytes: link.sizeBytes, pieceRoot: link.pieceRoot };
    const onBlob = (progress: DownloadProgress): void => {
      watch.note(progress);
      onProgress(progress);
    };
    const both = AbortSignal.any([signal, watch.signal]);
    return await pullBlob({ ...deps, view: viewOf(fetched) }, target, facts, onBlob, both);
  } catch (thrown) {
    signal.throwIfAborted();
    throw watch.signal.aborted ? watch.signal.reason : thrown;
  } finally {
    watch[Symbol.dispose]();
  }
}

/** Its offerers, and whoever fetches it too. Who gave wrong bytes is told of later. */
function viewOf({ offerers, wanted }: FetchedDifference): HolderView {
  const { view } = wanted.deps;
  return {
    holders: () => offerers,
    ...(view.fetchers === undefined ? {} : { fetchers: (blob) => view.fetchers?.(blob) ?? [] }),
    onChange: (listener) => view.onChange(listener),
    sourceFor: (holder, blob) => view.sourceFor(holder, blob),
    report(outcomes) {
      wanted.marks.push(...outcomes.filter(({ isCorrupt }) => isCorrupt));
      view.report(outcomes.filter(({ isCorrupt }) => !isCorrupt));
    },
  };
}
