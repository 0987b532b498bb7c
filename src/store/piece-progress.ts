/** What is known of a part's pieces while it is written: held, in doubt, and not yet covered by a sync. Pure. */
import { type JournalState, pieceCountOf } from './journal.ts';
import type { PieceSet } from './piece-set.ts';
import type { BlobSpec } from './ports.ts';

export class PieceProgress {
  readonly held: PieceSet;
  readonly unsure: PieceSet;
  readonly #spec: BlobSpec;
  /** Piece → the journal entry that committed it, for pieces that a power cut would put in doubt. */
  readonly #uncovered = new Map<number, number>();
  #heldBytes = 0;

  constructor(state: JournalState) {
    this.#spec = state.spec;
    this.held = state.held;
    this.unsure = state.unsure;
    this.#heldBytes = heldBytesOf(state.spec, state.held);
    // The rewritten journal has the durable pieces and their mark first; a number below any later mark serves for the others.
    for (const index of state.held) {
      if (!state.durable.has(index) && !state.unsure.has(index)) this.#uncovered.set(index, 0);
    }
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  commit(index: number, entry: number): void {
    if (!this.held.has(index)) this.#heldBytes += pieceSizeOf(this.#spec, index);
    this.held.add(index);
    this.unsure.delete(index);
    this.#uncovered.set(index, entry);
  }

  revoke(index: number): void {
    if (this.held.has(index)) this.#heldBytes -= pieceSizeOf(this.#spec, index);
    this.held.delete(index);
    this.unsure.delete(index);
    this.#uncovered.delete(index);
  }

  /** The bytes of the first `entries` entries are on the disk. */
  cover(entries: number): void {
    for (const [index, entry] of this.#uncovered) if (entry < entries) this.#uncovered.delete(index);
  }

  /** A sync failed: whatever no sync covers is in doubt. Returns those pieces. */
  doubtUncovered(): number[] {
    const doubts = [...this.#uncovered.keys()];
    for (const index of doubts) this.unsure.add(index);
    this.#uncovered.clear();
    return doubts;
  }
}

export function pieceSizeOf(spec: BlobSpec, index: number): number {
  return Math.min(spec.pieceBytes, spec.sizeBytes - index * spec.pieceBytes);
}

/** How many bytes the pieces of `held` have. */
export function heldBytesOf(spec: BlobSpec, held: PieceSet): number {
  const last = pieceCountOf(spec) - 1;
  const whole = held.count * spec.pieceBytes;
  return held.has(last) ? whole - spec.pieceBytes + pieceSizeOf(spec, last) : whole;
}
