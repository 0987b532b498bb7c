/** The piece list, kept or fetched, always verified; asked for in rounds while a source may recover. Spec: 10-transfer.md §2. */
import { type PieceList, verifyPieceList } from '../content/index.ts';
import type { Clock, Random } from '../core/index.ts';
import type { TransferError } from './errors.ts';
import { delay, fetchPieceList } from './fetch-piece-list.ts';
import type { TransferLimits } from './limits.ts';
import type { BlobToGet, PieceSource } from './ports.ts';
import type { SourceBook } from './source-book.ts';

export interface WantedPieceList {
  readonly blob: BlobToGet;
  readonly kept: Buffer | undefined;
  readonly onFetched: ((hashes: Buffer) => void) | undefined;
  readonly sources: SourceBook;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: TransferLimits;
  readonly onFailure: (sourceId: string, error: TransferError) => void;
}

/** Throws TransferError `no_sources`; for an empty blob, which needs no peer, ContentError `bad_piece_list`. */
export async function obtainPieceList(wanted: WantedPieceList, signal: AbortSignal): Promise<PieceList> {
  const { blob, kept } = wanted;
  if (blob.sizeBytes === 0) return verifyPieceList(0, Buffer.alloc(0), blob.pieceRoot);
  try {
    if (kept !== undefined) return verifyPieceList(blob.sizeBytes, kept, blob.pieceRoot);
  } catch {
    // A damaged copy is worth nothing more than none.
  }
  const list = await fetchInRounds(wanted, signal);
  wanted.onFetched?.(list.hashes);
  return list;
}

async function fetchInRounds(wanted: WantedPieceList, signal: AbortSignal): Promise<PieceList> {
  const { blob, clock, random, limits } = wanted;
  const onFailure = (source: PieceSource, error: TransferError): void => wanted.onFailure(source.id, error);
  for (let round = 1; ; round += 1) {
    const sources = wanted.sources.withPieceList();
    const request = { blob, sources, clock, timeoutMs: limits.pieceListTimeoutMs, onFailure };
    const list = await fetchPieceList(request, signal).catch(() => undefined);
    if (list !== undefined) return list;
    const isOver = round >= limits.maxFailuresInRow || wanted.sources.withPieceList().length === 0;
    if (isOver || signal.aborted) throw wanted.sources.noPieceList();
    await delay(clock, limits.backOffMs * 2 ** round * (0.5 + random.next()), signal);
  }
}
