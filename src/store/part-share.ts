/**
 * What others may read of a part while it is written: pieces that are committed and not in doubt, nothing else. The
 * writer owns this object and ends it; a reader owns its own file, which outlives the rename. Spec: docs/spec/06-store.md §8.
 */
import { Emitter } from '../core/index.ts';
import { StoreError } from './errors.ts';
import { pieceCountOf } from './journal.ts';
import type { PieceProgress } from './piece-progress.ts';
import { PieceSet } from './piece-set.ts';
import type { BlobSpec, PartReader } from './ports.ts';

/** The bytes of a part, wherever they are. */
export interface PartFile {
  /** Fills `buffer` from `position`; short only at the end. */
  read(buffer: Buffer, position: number): Promise<number>;
  close(): Promise<void>;
}

export class PartShare {
  readonly spec: BlobSpec;
  readonly changes = new Emitter<void>();
  readonly #progress: PieceProgress;
  #state: PartReader['state'] = 'growing';

  constructor(spec: BlobSpec, progress: PieceProgress) {
    this.spec = spec;
    this.#progress = progress;
  }

  get state(): PartReader['state'] {
    return this.#state;
  }

  /** A piece came, went or is in doubt. */
  changed(): void {
    this.changes.emit();
  }

  /** The blob has its name (`whole`), or its writer let go of it (`ended`). The first word stands. */
  end(state: 'whole' | 'ended'): void {
    if (this.#state !== 'growing') return;
    this.#state = state;
    this.changes.emit();
  }

  heldPieces(): Uint8Array {
    const { held, unsure } = this.#progress;
    if (unsure.count === 0) return held.toBytes();
    const sure = new PieceSet(held.length);
    for (const index of held) if (!unsure.has(index)) sure.add(index);
    return sure.toBytes();
  }

  holds(start: number, end: number): boolean {
    const { held, unsure } = this.#progress;
    if (this.#state === 'ended' || start < 0 || end > this.spec.sizeBytes || start > end) return false;
    const { pieceBytes } = this.spec;
    for (let index = Math.floor(start / pieceBytes); index * pieceBytes < end; index += 1)
      if (!held.has(index) || unsure.has(index)) return false;
    return true;
  }

  openReader(file: PartFile): PartReader {
    return new SharedPartReader(this, file);
  }
}

class SharedPartReader implements PartReader {
  readonly #share: PartShare;
  readonly #file: PartFile;
  #reads = 0;
  #closed: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(share: PartShare, file: PartFile) {
    this.#share = share;
    this.#file = file;
  }

  get spec(): BlobSpec {
    return this.#share.spec;
  }

  get state(): PartReader['state'] {
    return this.#share.state;
  }

  heldPieces(): Uint8Array {
    return this.#share.heldPieces();
  }

  holds(start: number, end: number): boolean {
    return this.#share.holds(start, end);
  }

  onChange(listener: () => void): () => void {
    return this.#share.changes.on(listener);
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    const { sizeBytes } = this.spec;
    const inside = Number.isSafeInteger(position) && position >= 0 && position <= sizeBytes;
    if (!inside) throw new StoreError('out_of_range', `Reading a part: byte ${position}, the blob has ${sizeBytes}`);
    const end = Math.min(sizeBytes, position + buffer.length);
    this.#assertHeld(position, end);
    this.#reads += 1;
    try {
      const count = await this.#file.read(buffer.subarray(0, end - position), position);
      // A piece that was taken back meanwhile is not passed on.
      this.#assertHeld(position, end);
      return count;
    } finally {
      this.#reads -= 1;
      if (this.#reads === 0) this.#onIdle?.();
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#release();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #release(): Promise<void> {
    if (this.#reads > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    await this.#file.close();
  }

  #assertHeld(start: number, end: number): void {
    if (this.#closed !== undefined || this.state === 'ended')
      throw new StoreError('store_closed', 'Reading a part: it is closed');
    if (this.holds(start, end)) return;
    const { sha256 } = this.spec;
    throw new StoreError('not_held_yet', `Reading a part: not all of bytes ${start} to ${end} are here yet`, {
      data: { sha256, pieces: pieceCountOf(this.spec) },
    });
  }
}
