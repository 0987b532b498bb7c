/**
 * Makes a difference of two contents of this node and puts it on the shelf: into a file without a name, hashed, then into the store.
 * The store looks at each read whether a file that lies elsewhere is still what was hashed. Spec: docs/spec/22-differences.md §7.4.
 */
import { makeDifference } from '../../delta/index.ts';
import type { Registry } from '../../registry/index.ts';
import type { BlobStore } from '../../store/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { KnownContent } from './base-candidates.ts';
import type { DifferenceCounts } from './difference-counts.ts';
import type { MakeDifference, Pair } from './difference-maker.ts';
import type { DifferenceShelf } from './difference-shelf.ts';
import { hashFile } from './hash-file.ts';
import { StepFile } from './step-file.ts';
import { storeFile } from './store-file.ts';

export interface MakeBlobOptions {
  readonly store: BlobStore;
  readonly shelf: DifferenceShelf;
  readonly pieceLists: Pick<Registry['pieceLists'], 'put'>;
  readonly counts: DifferenceCounts;
  /** For what is being made. */
  readonly folder: string;
  contents(): readonly KnownContent[];
}

export function blobMaker(options: MakeBlobOptions): MakeDifference {
  return async (pair, onPercent, signal) => {
    try {
      const isKept = await makeBlob(options, pair, onPercent, signal);
      if (!isKept) options.counts.makeFailed += 1;
      return isKept;
    } catch (thrown) {
      if (!signal.aborted) options.counts.makeFailed += 1;
      throw thrown;
    }
  };
}

async function makeBlob(
  options: MakeBlobOptions,
  pair: Pair,
  onPercent: (percent: number) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, shelf, pieceLists, counts, folder } = options;
  const readers = readersOf(options.contents(), pair);
  await using files = new AsyncDisposableStack();
  using holds = new DisposableStack();
  for (const sha256 of [pair.base, pair.target]) holds.use(store.hold(sha256));
  const [base, target] = [files.use(await store.openRead(pair.base)), files.use(await store.openRead(pair.target))];
  const file = files.use(await StepFile.open(folder, `${pair.base}-${pair.target}`));
  const made = await makeDifference({
    base: { sha256: pair.base, bytes: base },
    target: { sha256: pair.target, bytes: target },
    output: { write: (bytes) => file.write(bytes, file.sizeBytes) },
    onProgress: (done, all) => onPercent(all === 0 ? 100 : (done * 100) / all),
    threads: NODE_LIMITS.differenceMakeThreads,
    signal,
  });
  if (made.outcome === 'not_worth_it') return false;
  const named = await hashFile(file.handle, signal);
  const { sha256, sizeBytes, pieces } = named;
  holds.use(store.hold(sha256));
  await storeFile(store, file.handle, named, signal);
  pieceLists.put(sha256, { sizeBytes, pieceRoot: pieces.root, hashes: pieces.hashes });
  counts.made += 1;
  counts.madeBytes += sizeBytes;
  return await shelf.keep({ ...pair, sha256, sizeBytes, ...readers });
}

function readersOf(known: readonly KnownContent[], { base, target }: Pair) {
  const modelsOf = (wanted: string): string[] => {
    const having = known.filter(({ files }) => files.some(({ sha256 }) => sha256 === wanted));
    return [...new Set(having.map(({ modelId }) => modelId))];
  };
  return { baseModels: modelsOf(base), targetModels: modelsOf(target) };
}
