/** Gets one blob of a model into the store, from whoever has it, now and while it runs. */
import { pieceLayout } from '../../content/index.ts';
import type { ByteGate, NodeId, PieceRoot, Sha256 } from '../../core/index.ts';
import type { BlobStore } from '../../store/index.ts';
import {
  type BlobToGet,
  Download,
  type DownloadProgress,
  type PieceSource,
  type SourceOutcome,
  TransferError,
} from '../../transfer/index.ts';
import { blameSources } from './blame.ts';
import type { Holder, HolderView, PieceHashStore, PullTarget } from './ports.ts';

export interface BlobPullDeps {
  readonly store: BlobStore;
  readonly view: HolderView;
  readonly pieceHashes: PieceHashStore;
  /** What the bytes of a source have to pass; without it, nothing. */
  readonly gateFor?: (sha256: Sha256, source: PieceSource) => ByteGate;
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
  const signers = new Set(signersOf(holders, target, facts));
  const blob = toBlobToGet(facts, [...signers]);
  const sink = await deps.store.openWrite(blob);
  const kept = deps.pieceHashes.get(facts.sha256);
  const download = new Download({
    blob,
    sink,
    sources: holders.flatMap((holder) => deps.view.sourceFor(holder, blob) ?? []),
    ...(kept === undefined ? {} : { pieceHashes: kept }),
    onPieceHashes: (hashes) => deps.pieceHashes.put(blob, hashes),
    ...gateOption(deps, facts.sha256),
  });
  download.on((event) => {
    if (event.on !== 'piece') onProgress(download.progress());
  });
  const stopListening = deps.view.onChange(() => {
    for (const nodeId of addNewSources(deps.view, target, blob, download)) signers.add(nodeId);
  });
  let [isCompleted, isRootLie] = [false, false];
  try {
    const { sources } = await download.run(signal);
    isCompleted = true;
    return sources;
  } catch (thrown) {
    isRootLie = thrown instanceof TransferError && thrown.code === 'digest_mismatch';
    throw thrown;
  } finally {
    stopListening();
    deps.view.report(blameSources(download.progress().sources, { isCompleted, isRootLie, signers }));
    onProgress(download.progress());
  }
}

function gateOption({ gateFor }: BlobPullDeps, sha256: Sha256) {
  return gateFor === undefined ? {} : { gate: (source: PieceSource): ByteGate => gateFor(sha256, source) };
}

/** A model's file list names its files' roots, and whoever names the list's digest has named them; another root is an entry's own word. */
function signersOf(holders: readonly Holder[], { entry }: PullTarget, facts: Pick<BlobFacts, 'sha256'>): NodeId[] {
  const isOfList = facts.sha256 !== entry.sha256;
  return holders.filter(({ signsRoot }) => isOfList || signsRoot === true).map(({ nodeId }) => nodeId);
}

/** A download ignores a source that it has. Returns those among the holders that sign the root. */
function addNewSources(view: HolderView, target: PullTarget, blob: BlobToGet, download: Download): NodeId[] {
  const holders = view.holders(target);
  for (const holder of holders) {
    const source = view.sourceFor(holder, blob);
    if (source !== undefined) download.addSource(source);
  }
  return signersOf(holders, target, blob);
}
