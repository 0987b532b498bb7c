/** What a download is given, and what it yields. */
import type { ByteGate, Clock, Random } from '../core/index.ts';
import type { TransferLimits } from './limits.ts';
import type { BlobToGet, PieceSink, PieceSource } from './ports.ts';
import type { SourceOutcome } from './source-stats.ts';

export interface DownloadOptions<Done = unknown> {
  readonly blob: BlobToGet;
  readonly sink: PieceSink<Done>;
  readonly sources: readonly PieceSource[];
  /** Piece hashes kept from an earlier run; checked like any other. */
  readonly pieceHashes?: Buffer;
  /** Called with the hashes as soon as they are verified, to keep them. */
  readonly onPieceHashes?: (hashes: Buffer) => void;
  /** Lets a source's bytes through at the rate somebody decided. */
  readonly gate?: (source: PieceSource) => ByteGate;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly limits?: Partial<TransferLimits>;
}

export interface DownloadResult<Done = unknown> {
  readonly done: Done;
  readonly durationMs: number;
  /** Verified bytes that came in this run. */
  readonly receivedBytes: number;
  readonly sources: readonly SourceOutcome[];
}
