/**
 * Gets the piece list from whichever source answers first with the right one: the next source is asked when the one
 * before failed or has not answered for a moment. Spec: docs/spec/10-transfer.md §2.
 */
import { PIECE_HASH_BYTES, type PieceList, pieceLayout, verifyPieceList } from '../content/index.ts';
import type { Clock } from '../core/index.ts';
import { TransferError, toTransferError } from './errors.ts';
import type { BlobToGet, PieceSource } from './ports.ts';

export interface PieceListRequest {
  readonly blob: BlobToGet;
  readonly sources: readonly PieceSource[];
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly onFailure: (source: PieceSource, error: TransferError) => void;
}

const HEDGE_MS = 300;

/** Throws TransferError `no_sources` when every source failed. */
export async function fetchPieceList(request: PieceListRequest, signal: AbortSignal): Promise<PieceList> {
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  let gate: Promise<void> = Promise.resolve();
  const attempts = request.sources.map((source) => {
    const myTurn = gate;
    const failed = Promise.withResolvers<void>();
    gate = Promise.race([failed.promise, myTurn.then(() => delay(request.clock, HEDGE_MS, both))]);
    return myTurn.then(() => askSource(request, source, both)).finally(failed.resolve);
  });
  try {
    return await Promise.any(attempts);
  } catch (cause) {
    throw new TransferError('no_sources', 'Getting the piece list: no peer has given it', { cause });
  } finally {
    over.abort();
  }
}

async function askSource(request: PieceListRequest, source: PieceSource, signal: AbortSignal): Promise<PieceList> {
  const { blob, clock, timeoutMs, onFailure } = request;
  const late = new AbortController();
  const cancelTimer = clock.after(timeoutMs, () => late.abort());
  try {
    signal.throwIfAborted();
    if (source.pieceHashes === undefined) throw new TransferError('not_held', 'Getting the piece list: it has none');
    const sizeBytes = pieceLayout(blob.sizeBytes).pieceCount * PIECE_HASH_BYTES;
    const hashes = await source.pieceHashes(sizeBytes, AbortSignal.any([signal, late.signal]));
    return verified(blob, hashes);
  } catch (thrown) {
    if (!signal.aborted)
      onFailure(source, late.signal.aborted ? stalled() : toTransferError(thrown, 'Getting the piece list'));
    throw thrown;
  } finally {
    cancelTimer();
  }
}

function verified(blob: BlobToGet, hashes: Buffer): PieceList {
  try {
    return verifyPieceList(blob.sizeBytes, hashes, blob.pieceRoot);
  } catch (cause) {
    throw new TransferError('bad_piece', 'Checking a piece list: it does not have the signed root', { cause });
  }
}

function stalled(): TransferError {
  return new TransferError('peer_stalled', 'Getting the piece list: no answer in time');
}

/** Resolves after a while or when the signal fires; leaves no timer. */
export function delay(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise.finally(cancel);
}
