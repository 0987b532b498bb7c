/**
 * The blob store in memory, first class: for tests, simulations and embedders without a disk. Adopted files are real files.
 * Parts outlive their writers, as on a disk; nothing outlives the store.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Sha256 } from '../core/index.ts';
import { BlobLedger } from './blob-ledger.ts';
import { StoreError } from './errors.ts';
import { isSameSpec, isSaneSpec } from './journal.ts';
import { STORE_LIMITS } from './limits.ts';
import { createMemoryBlobIndex } from './memory-blob-index.ts';
import { MemoryBlobWriter, type MemoryPart } from './memory-blob-writer.ts';
import { freshState } from './open-part.ts';
import { PieceProgress } from './piece-progress.ts';
import type {
  BlobIndex,
  BlobPlace,
  BlobReader,
  BlobSpec,
  BlobStat,
  BlobStore,
  BlobUsage,
  BlobWriter,
  CollectResult,
  FileState,
  PartStat,
} from './ports.ts';
import { type OpenPart, SpaceGuard } from './space-guard.ts';

export interface MemoryBlobStoreOptions {
  readonly index?: BlobIndex;
  readonly quotaBytes?: number | undefined;
}

export function createMemoryBlobStore(options: MemoryBlobStoreOptions = {}): BlobStore {
  return new MemoryBlobStore(options);
}

class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<Sha256, Buffer>();
  readonly #parts = new Map<Sha256, MemoryPart>();
  readonly #writers = new Map<Sha256, OpenPart>();
  readonly #ledger: BlobLedger;
  readonly #space: SpaceGuard;
  readonly #quotaBytes: number | undefined;
  #isClosed = false;

  constructor({ index = createMemoryBlobIndex(), quotaBytes }: MemoryBlobStoreOptions) {
    this.#quotaBytes = quotaBytes;
    this.#ledger = new BlobLedger(index, {
      isThere: async ({ sha256 }) => this.#blobs.has(sha256),
      open: async ({ sha256 }) => new MemoryBlobReader(this.#blobs.get(sha256) ?? Buffer.alloc(0)),
      delete: async ({ sha256 }) => void this.#blobs.delete(sha256),
    });
    this.#space = new SpaceGuard({
      reserveBytes: 0,
      quotaBytes,
      freeBytes: async () => Number.MAX_SAFE_INTEGER,
      ownedBytes: () => this.#ledger.ownedBytes(),
      idleParts: async () => this.#partStats().filter(({ sha256 }) => !this.#writers.has(sha256)),
      openParts: () => this.#writers.values(),
    });
  }

  async stat(sha256: Sha256): Promise<BlobStat | undefined> {
    this.#assertOpen();
    return this.#ledger.stat(sha256);
  }

  async openRead(sha256: Sha256): Promise<BlobReader> {
    this.#assertOpen();
    return this.#ledger.openRead(sha256);
  }

  async openWrite(spec: BlobSpec): Promise<BlobWriter> {
    this.#assertOpen();
    this.#assertWritable(spec);
    const { sha256, sizeBytes } = spec;
    const open: OpenPart = { spec, isAdmitted: false, writer: undefined };
    this.#writers.set(sha256, open);
    try {
      await this.#space.admit({ sha256, sizeBytes, allocatedBytes: 0 }, () => {
        open.isAdmitted = true;
      });
      const writer = this.#openPart(spec);
      open.writer = writer;
      return writer;
    } catch (thrown) {
      this.#writers.delete(sha256);
      throw thrown;
    }
  }

  async put(sha256: Sha256, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw new StoreError('digest_mismatch', `Storing ${bytes.length} bytes: their SHA-256 is not ${sha256}`);
    if (this.#blobs.has(sha256)) return;
    await this.#space.admit({ sha256, sizeBytes: bytes.length, allocatedBytes: 0 });
    this.#enter(sha256, Buffer.from(bytes));
  }

  async adopt(sha256: Sha256, path: string, state: FileState): Promise<void> {
    this.#assertOpen();
    await this.#ledger.adopt(sha256, path, state);
  }

  async addRef(sha256: Sha256, holder: string): Promise<void> {
    this.#ledger.addRef(sha256, holder);
  }

  async removeRef(sha256: Sha256, holder: string): Promise<void> {
    this.#ledger.index.removeRef(sha256, holder);
  }

  async pin(sha256: Sha256): Promise<void> {
    this.#ledger.index.setPinned(sha256, true);
  }

  async unpin(sha256: Sha256): Promise<void> {
    this.#ledger.index.setPinned(sha256, false);
  }

  async collect(): Promise<CollectResult> {
    this.#assertOpen();
    return this.#ledger.collect();
  }

  async remove(sha256: Sha256): Promise<boolean> {
    this.#assertOpen();
    return this.#ledger.remove(sha256);
  }

  async usage(): Promise<BlobUsage> {
    const partialBytes = this.#partStats().reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    return { ownedBytes: this.#ledger.ownedBytes(), partialBytes, quotaBytes: this.#quotaBytes };
  }

  async listParts(): Promise<readonly PartStat[]> {
    return this.#partStats();
  }

  async discardPart(sha256: Sha256): Promise<void> {
    if (this.#writers.has(sha256))
      throw new StoreError('blob_busy', `Discarding the part of ${sha256}: it is being written`);
    this.#parts.delete(sha256);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#writers.values()].map(({ writer }) => writer?.close()));
  }

  #openPart(spec: BlobSpec): MemoryBlobWriter {
    const old = this.#parts.get(spec.sha256);
    const isSame = old !== undefined && isSameSpec(old.spec, spec);
    const part = isSame ? old : freshPart(spec);
    this.#parts.set(spec.sha256, part);
    return new MemoryBlobWriter(part, {
      onFinished: ({ bytes }) => this.#enter(spec.sha256, bytes),
      onEnded: (removesPart) => {
        this.#writers.delete(spec.sha256);
        if (removesPart) this.#parts.delete(spec.sha256);
      },
    });
  }

  #enter(sha256: Sha256, bytes: Buffer): BlobStat {
    const path = `memory:${sha256}`;
    const place: BlobPlace = { sha256, sizeBytes: bytes.length, place: 'owned', path, state: undefined };
    this.#blobs.set(sha256, bytes);
    this.#ledger.index.putPlace(place);
    return this.#ledger.toStat(place);
  }

  #partStats(): PartStat[] {
    return [...this.#parts].map(([sha256, { progress }]) => ({ sha256, heldBytes: progress.heldBytes }));
  }

  #assertWritable(spec: BlobSpec): void {
    const action = `Opening a part of ${spec.sha256}`;
    if (!isSaneSpec(spec)) throw new StoreError('out_of_range', `${action}: its sizes make no sense`);
    if (this.#writers.has(spec.sha256)) throw new StoreError('blob_busy', `${action}: it is being written`);
    if (this.#blobs.has(spec.sha256)) throw new StoreError('blob_exists', `${action}: the store owns the blob`);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoreError('store_closed', 'Using the store: it is closed');
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
