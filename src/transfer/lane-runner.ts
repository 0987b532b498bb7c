/**
 * Carries out the planner's orders on one lane: reads a run, checks each piece as its bytes pass, writes them, and
 * journals a piece when its hash is right and its bytes are written. A run that ends, however it does, is reported
 * only when none of its writes is under way any more. Spec: docs/spec/10-transfer.md §4, §5.
 */
import { PieceHasher, type PieceList, pieceHashAt, pieceRange } from '../content/index.ts';
import type { Clock } from '../core/index.ts';
import { TransferError, toTransferError } from './errors.ts';
import type { OrderedDigest } from './ordered-digest.ts';
import type { PlanEvent } from './plan-state.ts';
import type { Lane, PieceSink, PieceSource } from './ports.ts';
import type { SourceStats } from './source-stats.ts';
import type { Span } from './spans.ts';

export interface LaneContext {
  readonly list: PieceList;
  readonly sink: PieceSink;
  readonly digest: OrderedDigest;
  readonly clock: Clock;
  /** Tells the planner. */
  readonly tell: (event: PlanEvent) => void;
  readonly onPiece: (index: number) => void;
  readonly onFailure: (sourceId: string, error: TransferError) => void;
  /** The disk failed: that ends the whole download. */
  readonly onSinkError: (error: unknown) => void;
}

interface PieceInProgress {
  readonly index: number;
  readonly end: number;
  readonly hasher: PieceHasher;
  readonly isDirect: boolean;
  readonly writes: Promise<void>[];
}

type CloseReason = 'peer_stalled' | 'taken_over' | 'source_gone' | 'cancelled';

export class LaneRunner {
  readonly id: number;
  readonly #source: PieceSource;
  readonly #stats: SourceStats;
  readonly #context: LaneContext;
  readonly #abort = new AbortController();
  readonly #pending = new Set<Promise<void>>();
  #lane: Lane | undefined;
  #piece: PieceInProgress | undefined;
  #position = 0;
  #endPiece = 0;
  #isShortened = false;
  #closeReason: CloseReason | undefined;
  #running: Promise<void> = Promise.resolve();
  #requestedAtMs = 0;
  #runBytes = 0;
  #tickBytes = 0;

  constructor(id: number, source: PieceSource, stats: SourceStats, context: LaneContext) {
    this.id = id;
    this.#source = source;
    this.#stats = stats;
    this.#context = context;
  }

  /** Bytes since the last call. */
  takeReceived(): number {
    const bytes = this.#tickBytes;
    this.#tickBytes = 0;
    return bytes;
  }

  read(span: Span): void {
    this.#endPiece = span.end;
    this.#isShortened = false;
    this.#running = this.#run(span);
  }

  /** The lane has to stop before `end`; a request cannot be cut, so the lane closes there. */
  shorten(end: number): void {
    this.#endPiece = end;
    this.#isShortened = true;
  }

  /** Resolves when nothing of it is under way. The end is told to the planner too. */
  async close(reason: CloseReason): Promise<void> {
    const wasIdle = this.#requestedAtMs === 0;
    this.#closeReason ??= reason;
    this.#abort.abort();
    this.#lane?.close();
    await this.#running;
    if (wasIdle) this.#context.tell({ on: 'lane_closed', laneId: this.id });
  }

  async #run(span: Span): Promise<void> {
    const { clock, tell } = this.#context;
    this.#requestedAtMs = clock.monotonicMs();
    this.#runBytes = 0;
    const failure = await this.#readSpan(span).catch((error: unknown) => toTransferError(error, 'Reading from a peer'));
    if (this.#piece !== undefined) this.#dropPiece(this.#piece);
    await Promise.allSettled(this.#pending);
    this.#stats.addRead(this.#runBytes, clock.monotonicMs() - this.#requestedAtMs);
    this.#requestedAtMs = 0;
    if (failure === undefined) tell({ on: 'run_done', laneId: this.id });
    else this.#end(failure);
  }

  /** An idle connection may have been closed by its server meanwhile: that is no failure, a new one is opened. */
  async #readSpan(span: Span): Promise<undefined> {
    const wasOpen = this.#lane !== undefined;
    try {
      await this.#readOnce(span);
    } catch (error) {
      const isStale = wasOpen && this.#runBytes === 0 && toTransferError(error, '').code === 'peer_unreachable';
      if (!isStale || this.#abort.signal.aborted) throw error;
      this.#lane?.close();
      this.#lane = undefined;
      await this.#readOnce(span);
    }
  }

  async #readOnce(span: Span): Promise<void> {
    const { layout } = this.#context.list;
    const { signal } = this.#abort;
    this.#lane ??= await this.#source.openLane(signal);
    const range = { start: pieceRange(layout, span.first).start, end: pieceRange(layout, span.end - 1).end };
    this.#position = range.start;
    await this.#lane.read(range, (bytes) => this.#receive(bytes), signal);
  }

  /** An error that is our own doing is not the peer's; everything else is. */
  #end(failure: TransferError): void {
    const { tell, onFailure } = this.#context;
    this.#lane?.close();
    this.#lane = undefined;
    const isOurs = this.#closeReason !== undefined && this.#closeReason !== 'peer_stalled';
    if (isOurs || this.#isShortEnd()) {
      tell({ on: 'lane_closed', laneId: this.id });
      return;
    }
    const error = this.#closeReason === 'peer_stalled' ? stalled() : failure;
    onFailure(this.#source.id, error);
    const { code, retryAfterMs } = error;
    tell({ on: 'lane_failed', laneId: this.id, code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  }

  #isShortEnd(): boolean {
    return this.#isShortened && this.#position >= pieceRange(this.#context.list.layout, this.#endPiece - 1).end;
  }

  #receive(bytes: Buffer): void | Promise<void> {
    if (this.#runBytes === 0) this.#stats.addFirstByte(this.#context.clock.monotonicMs() - this.#requestedAtMs);
    this.#runBytes += bytes.length;
    this.#tickBytes += bytes.length;
    const piece = this.#piece ?? this.#beginPiece(bytes);
    piece.hasher.update(bytes);
    const position = this.#position;
    this.#position += bytes.length;
    if (this.#position === piece.end) this.#verifyPiece(piece);
    const hashed = piece.isDirect ? this.#context.digest.feed(bytes) : undefined;
    const written = this.#write(piece, bytes, position);
    if (this.#position === piece.end) this.#completePiece(piece);
    return hashed === undefined ? written : both(hashed, written);
  }

  #beginPiece(bytes: Buffer): PieceInProgress {
    const { list, digest } = this.#context;
    const index = Math.floor(this.#position / list.layout.pieceBytes);
    const { end } = pieceRange(list.layout, index);
    const isDirect = digest.beginPiece(index, bytes);
    this.#piece = { index, end, hasher: new PieceHasher(), isDirect, writes: [] };
    return this.#piece;
  }

  #verifyPiece(piece: PieceInProgress): void {
    if (piece.hasher.digest().equals(pieceHashAt(this.#context.list, piece.index))) return;
    throw new TransferError('bad_piece', `Checking piece ${piece.index}: its hash is not the signed one`, {
      data: { index: piece.index, sourceId: this.#source.id },
    });
  }

  #write(piece: PieceInProgress, bytes: Buffer, position: number): Promise<void> {
    const write = this.#context.sink.write(bytes, position);
    this.#pending.add(write);
    piece.writes.push(write);
    const settle = (): boolean => this.#pending.delete(write);
    write.then(settle, (error: unknown) => {
      settle();
      // Our disk is not the peer's fault: the lane ends without blame.
      this.#closeReason ??= 'cancelled';
      this.#context.onSinkError(error);
    });
    return write;
  }

  #completePiece(piece: PieceInProgress): void {
    const { digest, tell } = this.#context;
    this.#piece = undefined;
    if (piece.isDirect) digest.endPiece(true);
    const { start, end } = pieceRange(this.#context.list.layout, piece.index);
    this.#stats.addPiece(end - start);
    this.#commitWhenWritten(piece);
    tell({ on: 'piece_done', laneId: this.id });
    if (this.#isShortened && piece.index + 1 >= this.#endPiece) this.#lane?.close();
  }

  #commitWhenWritten(piece: PieceInProgress): void {
    const { sink, digest, onPiece, onSinkError } = this.#context;
    const commit = Promise.all(piece.writes).then(() => {
      sink.commitPiece(piece.index);
      digest.addPiece(piece.index);
      onPiece(piece.index);
    });
    const settled = commit.catch(onSinkError).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
  }

  #dropPiece(piece: PieceInProgress): void {
    this.#piece = undefined;
    if (piece.isDirect) this.#context.digest.endPiece(false);
  }
}

/**
 * Settles when both have: the bytes may be reused then, not before. Whoever ignores it because the lane is gone must not
 * make an unhandled rejection of it.
 */
function both(hashed: Promise<void>, written: Promise<void>): Promise<void> {
  const all = Promise.allSettled([hashed, written])
    .then(() => Promise.all([hashed, written]))
    .then(() => {});
  all.catch(() => {});
  return all;
}

function stalled(): TransferError {
  return new TransferError('peer_stalled', 'Reading from a peer: it has sent next to nothing for too long');
}
