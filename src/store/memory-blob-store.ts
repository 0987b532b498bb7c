/**
 * The blob store in memory, first class: for tests, simulations and embedders without a disk. Adopted files are real files.
 * Parts outlive their writers, as on a disk; nothing outlives the store.
 */
import { Readable } from 'node:stream';
import type { Sha256 } from '../core/index.ts';
import { StoreError } from './errors.ts';
import { isSameSpec } from './journal.ts';
import { STORE_LIMITS } from './limits.ts';
import {
  type BlobMedium,
  type IdlePart,
  MediumBlobStore,
  type PartOwner,
  type PartWriter,
} from './medium-blob-store.ts';
import { createMemoryBlobIndex } from './memory-blob-index.ts';
import { MemoryBlobWriter, type MemoryPart, partFileIn } from './memory-blob-writer.ts';
import { freshState } from './open-part.ts';
import { PieceProgress } from './piece-progress.ts';
import type { BlobIndex, BlobPlace, BlobReader, BlobSpec, BlobStore } from './ports.ts';

export interface MemoryBlobStoreOptions {
  readonly index?: BlobIndex;
  readonly quotaBytes?: number | undefined;
}

export function createMemoryBlobStore(options: MemoryBlobStoreOptions = {}): BlobStore {
  const { index = createMemoryBlobIndex(), quotaBytes } = options;
  return new MediumBlobStore(new MemoryMedium(), { index, quotaBytes, reserveBytes: 0 });
}

class MemoryMedium implements BlobMedium {
  readonly #blobs = new Map<Sha256, Buffer>();
  readonly #parts = new Map<Sha256, MemoryPart>();

  async isThere({ sha256 }: BlobPlace): Promise<boolean> {
    return this.#blobs.has(sha256);
  }

  async open({ sha256 }: BlobPlace): Promise<BlobReader> {
    return new MemoryBlobReader(this.#blobs.get(sha256) ?? Buffer.alloc(0));
  }

  async delete({ sha256 }: BlobPlace): Promise<void> {
    this.#blobs.delete(sha256);
  }

  pathOf(sha256: Sha256): string {
    return `memory:${sha256}`;
  }

  async freeBytes(): Promise<number> {
    return Number.MAX_SAFE_INTEGER;
  }

  async keep(sha256: Sha256, bytes: Uint8Array): Promise<void> {
    this.#blobs.set(sha256, Buffer.from(bytes));
  }

  async openPart(spec: BlobSpec, { onFinished, onClosed }: PartOwner): Promise<PartWriter> {
    const { sha256 } = spec;
    const old = this.#parts.get(sha256);
    const part = old !== undefined && isSameSpec(old.spec, spec) ? old : freshPart(spec);
    this.#parts.set(sha256, part);
    return new MemoryBlobWriter(part, {
      onFinished: ({ bytes }) => {
        this.#blobs.set(sha256, bytes);
        return onFinished();
      },
      onEnded: (removesPart) => {
        if (removesPart) this.#parts.delete(sha256);
        onClosed();
      },
    });
  }

  async partNames(): Promise<readonly Sha256[]> {
    return [...this.#parts.keys()];
  }

  async heldBytes(sha256: Sha256): Promise<number> {
    return this.#parts.get(sha256)?.progress.heldBytes ?? 0;
  }

  async openIdlePart(sha256: Sha256): Promise<IdlePart | undefined> {
    const part = this.#parts.get(sha256);
    if (part === undefined) return undefined;
    const { spec, bytes, progress } = part;
    const { held, unsure } = progress;
    return { state: { spec, held, unsure, durable: held }, file: partFileIn(bytes) };
  }

  async allocatedBytes(): Promise<number> {
    return 0;
  }

  async deletePart(sha256: Sha256): Promise<void> {
    this.#parts.delete(sha256);
  }
}

function freshPart(spec: BlobSpec): MemoryPart {
  return { spec, bytes: Buffer.alloc(spec.sizeBytes), progress: new PieceProgress(freshState(spec)) };
}

class MemoryBlobReader implements BlobReader {
  readonly #bytes: Buffer;
  #isOpen = true;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    this.#assertReadable(position, Math.max(position, this.sizeBytes));
    return this.#bytes.copy(buffer, 0, position);
  }

  stream(start: number, end: number): Readable {
    this.#assertReadable(start, end);
    if (end > this.sizeBytes) throw new StoreError('out_of_range', `Reading a blob: byte ${end} of ${this.sizeBytes}`);
    return Readable.from(chunksOf(this.#bytes.subarray(start, end)), { objectMode: false });
  }

  async close(): Promise<void> {
    this.#isOpen = false;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #assertReadable(start: number, end: number): void {
    if (!this.#isOpen) throw new StoreError('store_closed', 'Reading a blob: the reader is closed');
    if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end) return;
    throw new StoreError('out_of_range', `Reading a blob: bytes ${start} to ${end}, it has ${this.sizeBytes}`);
  }
}

function* chunksOf(bytes: Buffer): Generator<Buffer> {
  const step = STORE_LIMITS.streamChunkBytes;
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}
