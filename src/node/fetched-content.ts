/**
 * What this node serves before a model is whole: the blobs of pulls under way, piece by piece as they come, to members of
 * the mesh and this machine. Spec: docs/spec/05-http.md §3, docs/spec/10-transfer.md §8.
 */
import { pieceLayout } from '../content/index.ts';
import type { Sha256 } from '../core/index.ts';
import type { Registry } from '../registry/index.ts';
import { type BlobStore, type PartReader, StoreError } from '../store/index.ts';
import type { Asker } from './access/read-gate.ts';
import type { FetchBook } from './pull/fetch-book.ts';

/** A blob open for reading; of one that still comes, `holds` tells what can be read now. */
export interface OfferedBlob {
  readonly sizeBytes: number;
  read(buffer: Buffer, position: number): Promise<number>;
  holds?(start: number, end: number): boolean;
  close(): Promise<void>;
}

/** Which pieces of a blob are here. */
export interface OfferedHolding extends AsyncDisposable {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly pieceBytes: number;
  /** What the pieces were checked against, where it is known. */
  readonly pieceRoot: string | undefined;
  /** Bits, most significant first; undefined when the blob is here no more. */
  held(): 'all' | Uint8Array | undefined;
  onChange(listener: () => void): () => void;
}

export interface FetchedContentOptions {
  readonly store: BlobStore;
  readonly fetching: FetchBook;
  readonly pieceLists: Registry['pieceLists'];
}

export class FetchedContent {
  readonly #store: BlobStore;
  readonly #fetching: FetchBook;
  readonly #pieceLists: Registry['pieceLists'];

  constructor({ store, fetching, pieceLists }: FetchedContentOptions) {
    this.#store = store;
    this.#fetching = fetching;
    this.#pieceLists = pieceLists;
  }

  /** Is it of a pull under way, and for whoever asks? */
  isFor(sha256: Sha256, asker: Asker | undefined): boolean {
    return (asker?.kind === 'peer' || asker?.kind === 'loopback') && this.#fetching.has(sha256);
  }

  /** Those that are being pulled and that it is a part of. */
  modelsOf(sha256: Sha256): string[] {
    return this.#fetching.modelsOf(sha256);
  }

  /** Throws StoreError `not_held_yet` where nothing of it has come. */
  async openBlob(sha256: Sha256): Promise<OfferedBlob> {
    const part = await this.#store.openPart(sha256);
    if (part !== undefined) return new OfferedPart(part);
    if ((await this.#store.stat(sha256)) === undefined) throw notYet(sha256);
    return this.#store.openRead(sha256);
  }

  /** Throws StoreError `not_held_yet` where nothing of it has come. */
  async openHolding(sha256: Sha256): Promise<OfferedHolding> {
    const part = await this.#store.openPart(sha256);
    if (part !== undefined) return this.#holdingOf(part);
    const isKept = (): boolean => this.#fetching.has(sha256);
    const holding = await this.openWhole(sha256, isKept, (listener) => this.#fetching.changes.on(listener));
    if (holding === undefined) throw notYet(sha256);
    return holding;
  }

  /** A blob that is all here, for as long as `isKept`. */
  async openWhole(
    sha256: Sha256,
    isKept: () => boolean,
    onChange: OfferedHolding['onChange'],
  ): Promise<OfferedHolding | undefined> {
    const stat = await this.#store.stat(sha256);
    if (stat === undefined) return undefined;
    const { sizeBytes } = stat;
    return {
      ...{ sha256, sizeBytes, onChange, pieceBytes: pieceLayout(sizeBytes).pieceBytes },
      pieceRoot: this.#pieceLists.get(sha256)?.pieceRoot,
      held: () => (isKept() ? 'all' : undefined),
      [Symbol.asyncDispose]: async () => {},
    };
  }

  /** Throws StoreError `not_held_yet` where the list has not come. */
  pieceHashes(sha256: Sha256): Uint8Array {
    const hashes = this.#pieceLists.get(sha256)?.hashes;
    if (hashes === undefined) throw notYet(sha256);
    return hashes;
  }

  #holdingOf(part: PartReader): OfferedHolding {
    const { sha256, sizeBytes, pieceBytes, pieceRoot } = part.spec;
    return {
      ...{ sha256, sizeBytes, pieceBytes, pieceRoot },
      held: () => {
        if (part.state === 'growing') return part.heldPieces();
        return part.state === 'whole' ? 'all' : undefined;
      },
      onChange: (listener) => part.onChange(listener),
      [Symbol.asyncDispose]: () => part.close(),
    };
  }
}

class OfferedPart implements OfferedBlob {
  readonly sizeBytes: number;
  readonly #part: PartReader;

  constructor(part: PartReader) {
    this.#part = part;
    this.sizeBytes = part.spec.sizeBytes;
  }

  read(buffer: Buffer, position: number): Promise<number> {
    return this.#part.read(buffer, position);
  }

  holds(start: number, end: number): boolean {
    return this.#part.holds(start, end);
  }

  close(): Promise<void> {
    return this.#part.close();
  }
}

/** A moment earlier than the pull's first piece: whoever asks may come again. */
function notYet(sha256: Sha256): StoreError {
  return new StoreError('not_held_yet', `Opening ${sha256}: nothing of it has come yet`, { data: { sha256 } });
}
