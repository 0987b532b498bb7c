/**
 * Feeds the whole digest in order. A piece that a lane begins exactly where the digest stands is hashed as it
 * arrives; every other one is read back from the sink (the page cache, mostly) when its turn comes, beside the
 * download. At most one piece is fed directly at a time, and never while reading back. Spec: 10-transfer.md §5.
 */
import { Bitfield, type PieceLayout, pieceRange } from '../content/index.ts';
import { giveBlock, takeBlock } from './blocks.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import type { PieceSink } from './ports.ts';
import type { WholeHash } from './whole-hash.ts';

export class OrderedDigest {
  readonly #layout: PieceLayout;
  readonly #sink: PieceSink;
  readonly #hash: WholeHash;
  /** In the sink and right. */
  readonly #readable: Bitfield;
  readonly #finished = Promise.withResolvers<string>();
  #next = 0;
  #isDirect = false;
  #reading: Promise<void> | undefined;
  #stopped = false;

  constructor(layout: PieceLayout, sink: PieceSink, hash: WholeHash) {
    this.#layout = layout;
    this.#sink = sink;
    this.#hash = hash;
    this.#readable = new Bitfield(layout.pieceCount);
    this.#finished.promise.catch(() => {});
  }

  /** The whole digest in hex, once every piece is in; rejects when reading back or hashing fails. */
  get result(): Promise<string> {
    return this.#finished.promise;
  }

  /** Bytes the digest has passed. */
  get hashedBytes(): number {
    return Math.min(this.#next * this.#layout.pieceBytes, this.#layout.sizeBytes);
  }

  /** True: the caller passes the piece's bytes to `feed` as they come, then calls `endPiece`. */
  beginPiece(index: number, sample: Buffer): boolean {
    if (index !== this.#next || this.#isDirect || this.#reading !== undefined || !this.#hash.takes(sample))
      return false;
    this.#isDirect = true;
    this.#hash.mark();
    return true;
  }

  feed(bytes: Buffer): void | Promise<void> {
    return this.#hash.update(bytes);
  }

  /** The directly fed piece is complete and right, or not. */
  endPiece(isRight: boolean): void {
    this.#isDirect = false;
    if (isRight) this.#next += 1;
    else this.#hash.rollback();
    this.advance();
  }

  /** The piece is right and can be read back. */
  addPiece(index: number): void {
    this.#readable.add(index);
    this.advance();
  }

  /** Goes on with reading back, or ends, if it is time to. */
  advance(): void {
    if (this.#stopped || this.#isDirect || this.#reading !== undefined) return;
    if (this.#next === this.#layout.pieceCount) {
      this.#stopped = true;
      this.#hash.digest().then(this.#finished.resolve, this.#finished.reject);
    } else if (this.#readable.has(this.#next)) {
      this.#reading = this.#readBack().catch(this.#finished.reject);
    }
  }

  /** Resolves when the sink is not being read any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#reading;
  }

  async #readBack(): Promise<void> {
    const blocks = [takeBlock(), takeBlock()] as const;
    const busy: (void | Promise<void>)[] = [undefined, undefined];
    let turn = 0;
    while (!this.#stopped && this.#readable.has(this.#next)) {
      const { start, end } = pieceRange(this.#layout, this.#next);
      for (let position = start; position < end && !this.#stopped; position += TRANSFER_LIMITS.blockBytes) {
        await busy[turn];
        const bytes = (blocks[turn] ?? blocks[0]).subarray(0, Math.min(TRANSFER_LIMITS.blockBytes, end - position));
        await readFully(this.#sink, bytes, position);
        busy[turn] = this.#hash.update(bytes);
        turn = 1 - turn;
      }
      this.#next += 1;
    }
    await Promise.all(busy);
    // Not given back after a failure: the thread may still read them.
    for (const block of blocks) giveBlock(block);
    this.#reading = undefined;
    this.advance();
  }
}

/** Fills the buffer from the sink. Throws when what was written is not there. */
export async function readFully(sink: PieceSink, buffer: Buffer, position: number): Promise<void> {
  let filled = 0;
  while (filled < buffer.length) {
    const count = await sink.read(buffer.subarray(filled), position + filled);
    if (count === 0) throw new Error(`Reading back what was written: ended at ${position + filled}`);
    filled += count;
  }
}
