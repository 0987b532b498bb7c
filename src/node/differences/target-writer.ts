/**
 * Where a difference's result is written: the store's part of the target, piece by piece, each checked against the signed root's list and
 * journalled as it is done. So a difference that lies is found at its first wrong piece, what was right of it is kept for the whole file's
 * download, and others are served meanwhile. Pieces that are held are compared and not written again. Spec: 22-differences §7.3.
 */
import { Bitfield, PieceHasher, type PieceList, pieceHashAt, pieceRange } from '../../content/index.ts';
import { NodeError } from '../errors.ts';

/** What it needs of the store's writer. */
export interface TargetPart {
  readonly heldPieces: Uint8Array;
  readonly unsurePieces: Uint8Array;
  write(bytes: Uint8Array, position: number): Promise<void>;
  commitPiece(index: number): void;
}

export class TargetWriter {
  readonly #part: TargetPart;
  readonly #list: PieceList;
  readonly #held: Bitfield;
  #hasher = new PieceHasher();
  #index = 0;
  #verifiedBytes = 0;

  constructor(part: TargetPart, list: PieceList) {
    this.#part = part;
    this.#list = list;
    const { pieceCount } = list.layout;
    const sure = part.heldPieces.map((bits, place) => bits & ~(part.unsurePieces[place] ?? 0));
    this.#held = new Bitfield(pieceCount, sure);
    for (let index = 0; index < pieceCount; index += 1)
      if (this.#held.has(index)) this.#verifiedBytes += sizeOf(list, index);
  }

  get verifiedBytes(): number {
    return this.#verifiedBytes;
  }

  /** In the target's order. Throws NodeError `wrong_difference`, StoreError. */
  async write(bytes: Buffer, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { end } = pieceRange(this.#list.layout, this.#index);
      const part = bytes.subarray(done, done + Math.min(bytes.length - done, end - position - done));
      this.#hasher.update(part);
      if (!this.#held.has(this.#index)) await this.#part.write(part, position + done);
      done += part.length;
      if (position + done === end) this.#endPiece();
    }
  }

  #endPiece(): void {
    const index = this.#index;
    const isRight = this.#hasher.digest().equals(pieceHashAt(this.#list, index));
    if (!isRight) throw wrongPiece(index);
    if (!this.#held.has(index)) {
      this.#part.commitPiece(index);
      this.#held.add(index);
      this.#verifiedBytes += sizeOf(this.#list, index);
    }
    this.#index += 1;
    this.#hasher = new PieceHasher();
  }
}

function sizeOf({ layout }: PieceList, index: number): number {
  const { start, end } = pieceRange(layout, index);
  return end - start;
}

function wrongPiece(index: number): NodeError {
  return new NodeError('wrong_difference', `Applying a difference: piece ${index} of its result is not the content’s`, {
    data: { index },
  });
}
