/** Gets one blob of a model into the store, from whoever has it, now and while it runs. */
import { pieceLayout } from '../../content/index.ts';
import type { PieceRoot, Sha256 } from '../../core/index.ts';
import type { BlobStore } from '../../store/index.ts';
import { type BlobToGet, Download, type DownloadProgress, type SourceOutcome } from '../../transfer/index.ts';
import type { HolderView, PieceHashStore, PullTarget } from './ports.ts';

export interface BlobPullDeps {
  readonly store: BlobStore;
  readonly view: HolderView;
  readonly pieceHashes: PieceHashStore;
}

export interface BlobFacts {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly pieceRoot: PieceRoot;
}

export type OnBlobProgress = (progress: DownloadProgress) => void;

/** The facts with the piece size that follows from the size. */
export function toBlobToGet(facts: BlobFacts, signers: readonly string[]): BlobToGet {
  return { ...facts, pieceBytes: pieceLayout(facts.sizeBytes).pieceBytes, signers };
}

/**
 * Resolves with what was learned about the sources when the blob is in the store, verified. Throws TransferError and
 * StoreError; the part stays, except where the signed entry lied.
 */
export async function pullBlob(
  deps: BlobPullDeps,
  target: PullTarget,
  facts: BlobFacts,
  onProgress: OnBlobProgress,
  signal: AbortSignal,
): Promise<readonly SourceOutcome[]> {
  const holders = deps.view.holders(target);
  const blob = toBlobToGet(
    facts,
    holders.map((holder) => holder.nodeId),
  );
  const sink = await deps.store.openWrite(blob);
  const kept = deps.pieceHashes.get(facts.sha256);
  const download = new Download({
    blob,
    sink,
    sources: holders.flatMap((holder) => deps.view.sourceFor(holder, blob) ?? []),
    ...(kept === undefined ? {} : { pieceHashes: kept }),
    onPieceHashes: (hashes) => deps.pieceHashes.put(blob, hashes),
  });
  download.on((event) => {
    if (event.on !== 'piece') onProgress(download.progress());
  });
  const stopListening = deps.view.onChange(() => addNewSources(deps.view, target, blob, download));
  try {
    const { sources } = await download.run(signal);
    return sources;
  } finally {
    stopListening();
    deps.view.report(download.progress().sources);
    onProgress(download.progress());
  }
}

/** A download ignores a source that it has. */
function addNewSources(view: HolderView, target: PullTarget, blob: BlobToGet, download: Download): void {
  for (const holder of view.holders(target)) {
    const source = view.sourceFor(holder, blob);
    if (source !== undefined) download.addSource(source);
  }
}
