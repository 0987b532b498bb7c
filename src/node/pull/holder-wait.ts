/**
 * Waiting for somebody who has the model: at once when holders are heard of anew or elsewhere, after a pause when those that are listed
 * did not answer before, and not for ever. Spec: docs/spec/10-transfer.md §11.
 */
import { type Clock, CoreError, type NodeId } from '../../core/index.ts';
import { NodeError } from '../errors.ts';
import type { HolderView, PieceHashStore, PullTarget } from './ports.ts';

export interface Askable {
  readonly view: HolderView;
  readonly pieceHashes: Pick<PieceHashStore, 'get'>;
}

export interface HolderWait extends Askable {
  readonly target: PullTarget;
  readonly clock: Clock;
  /** Before holders that are listed already, or a mirror alone, are asked; 0 asks them now. */
  readonly pauseMs: number;
  readonly patienceMs: number;
  /** What it fails with when nobody came. */
  readonly giveUp: () => Error;
}

/** After a restart peers are heard of within seconds; until then no mirror is asked. */
export const PEERS_FIRST_MS = 5_000;

export function nobodyHeardOf({ entry }: PullTarget): NodeError {
  return new NodeError('holder_offline', `Going on with ${entry.model_id}: nobody who has it was heard of`);
}

/** Resolves when somebody may be asked. Throws what `giveUp` makes, or the signal's reason. */
export async function waitForHolder(wait: HolderWait, signal: AbortSignal): Promise<void> {
  const { view, target, clock } = wait;
  if (wait.pauseMs <= 0 && isAskable(wait, target)) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let known = holdersOf(view, target);
  let isPauseOver = wait.pauseMs <= 0;
  const look = (): void => {
    const now = holdersOf(view, target);
    const isAnew = [...now].some(([nodeId, whereabouts]) => known.get(nodeId) !== whereabouts);
    known = now;
    if (isAnew || (isPauseOver && isAskable(wait, target))) resolve();
  };
  const stops = [
    view.onChange(look),
    clock.after(wait.patienceMs, () => reject(wait.giveUp())),
    clock.after(wait.pauseMs, () => {
      isPauseOver = true;
      look();
    }),
  ];
  const onAbort = (): void => reject(signal.reason ?? new CoreError('cancelled', 'Waiting for a holder: cancelled'));
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    await promise;
  } finally {
    for (const stop of stops) stop();
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Is there anybody to ask now? A mirror alone is enough for what has its piece list here already, which a mirror never gives
 * (docs/spec/10-transfer.md §10).
 */
export function isAskable({ view, pieceHashes }: Askable, target: PullTarget): boolean {
  if (holdersOf(view, target).size > 0) return true;
  return view.hasMirrors?.() === true && pieceHashes.get(target.entry.sha256) !== undefined;
}

/** Whoever offers the content, as the target describes it or otherwise, or fetches it too; and where they are. */
export function holdersOf(view: HolderView, target: PullTarget): Map<NodeId, string> {
  const claims = [target, ...(view.otherClaims?.(target) ?? [])];
  const { sha256, size_bytes: sizeBytes } = target.entry;
  const holders = [
    ...claims.flatMap((claim) => view.holders(claim)),
    ...(view.fetchers?.({ sha256, sizeBytes }) ?? []),
  ];
  return new Map(holders.map(({ nodeId, whereabouts = '' }) => [nodeId, whereabouts]));
}
