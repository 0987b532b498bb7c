/** Gets one blob of a model into the store, from whoever has it, now and while it runs. */
import { pieceLayout } from '../../content/index.ts';
import { type ByteGate, type Clock, type NodeId, type PieceRoot, type Sha256, systemClock } from '../../core/index.ts';
import type { BlobStore } from '../../store/index.ts';
import {
  type BlobToGet,
  Download,
  type DownloadProgress,
  type PieceSource,
  type SourceOutcome,
  TransferError,
} from '../../transfer/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import { SpacedCalls } from '../spaced-calls.ts';
import { blameSources } from './blame.ts';
import { BlobSwarm } from './blob-swarm.ts';
import type { Holder, HolderView, PieceHashStore, PullTarget } from './ports.ts';

export interface BlobPullDeps {
  readonly store: BlobStore;
  readonly view: HolderView;
  readonly pieceHashes: PieceHashStore;
  readonly clock?: Clock;
  /** What the bytes of a source have to pass; without it, nothing. */
  readonly gateFor?: (sha256: Sha256, source: PieceSource) => ByteGate;
}

export interface BlobFacts {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly pieceRoot: PieceRoot;
  /** In its model; undefined for a file list. */
  readonly path?: string;
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
  const swarm = new BlobSwarm(deps.view, target, blob);
  const sink = await deps.store.openWrite(blob);
  const kept = deps.pieceHashes.get(facts.sha256);
  const download = new Download({
    blob,
    sink,
    sources: [...swarm.more(holders), ...(deps.view.mirrorsOf?.(target, blob, facts.path) ?? [])],
    ...(kept === undefined ? {} : { pieceHashes: kept }),
    onPieceHashes: (hashes) => deps.pieceHashes.put(blob, hashes),
    ...gateOption(deps, facts.sha256),
    ...(deps.clock === undefined ? {} : { clock: deps.clock }),
  });
  download.on((event) => {
    if (event.on !== 'piece') onProgress(download.progress());
  });
  const look = (): void => {
    const now = deps.view.holders(target);
    for (const source of swarm.more(now)) download.addSource(source);
    for (const nodeId of signersOf(now, target, facts)) signers.add(nodeId);
  };
  // In a large mesh something changes all the time, and a look goes through all that is known.
  const { swarmLookBurst: burst, swarmLookEveryMs: everyMs } = NODE_LIMITS;
  using looks = new SpacedCalls({ clock: deps.clock ?? systemClock, burst, everyMs, act: look });
  const stopListening = deps.view.onChange(() => looks.call());
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
