/** Gets one blob of a model into the store, from whoever has it, now and while it runs. */
import { pieceLayout } from '../../content/index.ts';
import type { PieceRoot, Sha256 } from '../../core/index.ts';
import type { BlobStore } from '../../store/index.ts';
import {
  type BlobToGet,
  Download,
  type DownloadProgress,
  type SourceOutcome,
  TransferError,
} from '../../transfer/index.ts';
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
  let lied = false;
  try {
    const { sources } = await download.run(signal);
    return sources;
  } catch (thrown) {
    lied = thrown instanceof TransferError && thrown.code === 'digest_mismatch';
    throw thrown;
  } finally {
    stopListening();
    deps.view.report(blameFor(download.progress().sources, lied));
    onProgress(download.progress());
  }
}

/** Pieces that fit a root and make another digest are the work of whoever signed that root and sent them. */
function blameFor(sources: readonly SourceOutcome[], lied: boolean): readonly SourceOutcome[] {
  return lied ? sources.map((source) => ({ ...source, isCorrupt: source.isCorrupt || source.bytes > 0 })) : sources;
}

/** A download ignores a source that it has. */
function addNewSources(view: HolderView, target: PullTarget, blob: BlobToGet, download: Download): void {
  for (const holder of view.holders(target)) {
    const source = view.sourceFor(holder, blob);
    if (source !== undefined) download.addSource(source);
  }
}
