/**
 * Takes the bytes of pieces as they come on one lane: checks each piece as its bytes pass, writes them, and journals a piece
 * when its hash is right and its bytes are written. Spec: docs/spec/10-transfer.md §5.
 */
import { PieceHasher, type PieceList, pieceHashAt, pieceRange } from '../content/index.ts';
import { TransferError } from './errors.ts';
import type { OrderedDigest } from './ordered-digest.ts';
import type { PieceSink } from './ports.ts';
import type { SourceStats } from './source-stats.ts';

export interface IntakeContext {
  readonly list: PieceList;
  readonly sink: PieceSink;
  readonly digest: OrderedDigest;
  /** Its hash is right. */
  readonly onDone: (index: number) => void;
  /** It is right, written and journalled. */
  readonly onPiece: (index: number) => void;
  readonly onSinkError: (error: unknown) => void;
}

interface PieceInProgress {
  readonly index: number;
  readonly end: number;
  readonly hasher: PieceHasher;
  readonly isDirect: boolean;
  readonly writes: Promise<void>[];
}

export class PieceIntake {
  readonly #sourceId: string;
  readonly #stats: SourceStats;
  readonly #context: IntakeContext;
  readonly #pending = new Set<Promise<void>>();
  #piece: PieceInProgress | undefined;

  constructor(sourceId: string, stats: SourceStats, context: IntakeContext) {
    this.#sourceId = sourceId;
    this.#stats = stats;
    this.#context = context;
  }

  /** The next bytes of a piece; they may be reused when the promise resolves. Throws TransferError `bad_piece`. */
  take(bytes: Buffer, position: number): Promise<void> {
    const piece = this.#piece ?? this.#beginPiece(bytes, position);
    piece.hasher.update(bytes);
    const isWhole = position + bytes.length === piece.end;
    if (isWhole) this.#verifyPiece(piece);
    const hashed = piece.isDirect ? this.#context.digest.feed(bytes) : undefined;
    const written = this.#write(piece, bytes, position);
    if (isWhole) this.#completePiece(piece);
    return hashed === undefined ? written : both(hashed, written);
  }

  /** Gives the piece under way up. Resolves when no write is under way any more. */
  async end(): Promise<void> {
    if (this.#piece?.isDirect === true) this.#context.digest.endPiece(false);
    this.#piece = undefined;
    await Promise.allSettled(this.#pending);
  }

  #beginPiece(bytes: Buffer, position: number): PieceInProgress {
    const { list, digest } = this.#context;
    const index = Math.floor(position / list.layout.pieceBytes);
    const { end } = pieceRange(list.layout, index);
    const isDirect = digest.beginPiece(index, bytes);
    this.#piece = { index, end, hasher: new PieceHasher(), isDirect, writes: [] };
    return this.#piece;
  }

  #verifyPiece(piece: PieceInProgress): void {
    if (piece.hasher.digest().equals(pieceHashAt(this.#context.list, piece.index))) return;
    throw new TransferError('bad_piece', `Checking piece ${piece.index}: its hash is not the signed one`, {
      data: { index: piece.index, sourceId: this.#sourceId },
    });
  }

  #write(piece: PieceInProgress, bytes: Buffer, position: number): Promise<void> {
    const write = this.#context.sink.write(bytes, position);
    this.#pending.add(write);
    piece.writes.push(write);
    const settle = (): boolean => this.#pending.delete(write);
    write.then(settle, (error: unknown) => {
      settle();
      this.#context.onSinkError(error);
    });
    return write;
  }

  #completePiece(piece: PieceInProgress): void {
    const { digest, list, onDone } = this.#context;
    this.#piece = undefined;
    if (piece.isDirect) digest.endPiece(true);
    const { start, end } = pieceRange(list.layout, piece.index);
    this.#stats.addPiece(end - start);
    this.#commitWhenWritten(piece);
    onDone(piece.index);
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
}

/**
 * Settles when both have: the bytes may be reused then, not before. Whoever ignores it because the lane is gone must not
 * make an unhandled rejection of it.
 */
export function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  const all = Promise.allSettled([one, other])
    .then(() => Promise.all([one, other]))
    .then(() => {});
  all.catch(() => {});
  return all;
}
