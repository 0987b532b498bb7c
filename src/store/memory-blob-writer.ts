/** A part in memory, with the rules of the one on the disk. */
import { StoreError } from './errors.ts';
import { pieceCountOf } from './journal.ts';
import { type PartFile, PartShare } from './part-share.ts';
import type { PieceProgress } from './piece-progress.ts';
import type { BlobSpec, BlobStat, BlobWriter, PartReader } from './ports.ts';

export interface MemoryPart {
  readonly spec: BlobSpec;
  readonly bytes: Buffer;
  readonly progress: PieceProgress;
}

export class MemoryBlobWriter implements BlobWriter {
  readonly heldPiecesUnsure = false;
  readonly #part: MemoryPart;
  readonly #onFinished: (part: MemoryPart) => Promise<BlobStat>;
  readonly #onEnded: (removesPart: boolean) => void;
  readonly #share: PartShare;
  #isOpen = true;

  constructor(
    part: MemoryPart,
    owner: {
      readonly onFinished: (part: MemoryPart) => Promise<BlobStat>;
      readonly onEnded: (removesPart: boolean) => void;
    },
  ) {
    this.#part = part;
    this.#share = new PartShare(part.spec, part.progress);
    this.#onFinished = owner.onFinished;
    this.#onEnded = owner.onEnded;
  }

  get spec(): BlobSpec {
    return this.#part.spec;
  }

  get heldPieces(): Uint8Array {
    return this.#part.progress.held.toBytes();
  }

  get unsurePieces(): Uint8Array {
    return this.#part.progress.unsure.toBytes();
  }

  get heldBytes(): number {
    return this.#part.progress.heldBytes;
  }

  async openReader(): Promise<PartReader | undefined> {
    if (!this.#isOpen) return undefined;
    return this.#share.openReader(partFileIn(this.#part.bytes));
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.#assertInside(position, bytes.length);
    this.#part.bytes.set(bytes, position);
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    this.#assertInside(position, 0);
    return this.#part.bytes.copy(buffer, 0, position);
  }

  commitPiece(index: number): void {
    this.#assertPiece(index);
    this.#part.progress.commit(index, 0);
    this.#share.changed();
  }

  revokePiece(index: number): void {
    this.#assertPiece(index);
    this.#part.progress.revoke(index);
    this.#share.changed();
  }

  async finish(): Promise<BlobStat> {
    this.#assertOpen();
    const { held } = this.#part.progress;
    const missing = held.length - held.count;
    if (missing > 0)
      throw new StoreError('incomplete', `Finishing a blob: ${missing} pieces missing`, {
        data: { missing, unsure: 0 },
      });
    const stat = await this.#onFinished(this.#part);
    this.#share.end('whole');
    this.#end(true);
    return stat;
  }

  async close(): Promise<void> {
    this.#end(false);
  }

  async discard(): Promise<void> {
    this.#end(true);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #end(removesPart: boolean): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#share.end('ended');
    this.#onEnded(removesPart);
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw new StoreError('store_closed', 'Writing a part: it is closed');
  }

  #assertInside(position: number, length: number): void {
    this.#assertOpen();
    const { sizeBytes } = this.spec;
    if (Number.isSafeInteger(position) && position >= 0 && position + length <= sizeBytes) return;
    throw new StoreError('out_of_range', `Writing a part: bytes ${position} to ${position + length} of ${sizeBytes}`);
  }

  #assertPiece(index: number): void {
    this.#assertOpen();
    const count = pieceCountOf(this.spec);
    if (Number.isInteger(index) && index >= 0 && index < count) return;
    throw new StoreError('out_of_range', `Journalling a piece: number ${index}, the blob has ${count}`);
  }
}

export function partFileIn(bytes: Buffer): PartFile {
  return { read: async (buffer, position) => bytes.copy(buffer, 0, position), close: async () => {} };
}
