/**
 * The blob store on a disk. One process a folder (the home lock). Order of writes: bytes, sync, rename, sync of the folder,
 * index row; a crash between two of them is put right at the next opening. Spec: docs/spec/06-store.md.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Logger, type Sha256, silentLogger } from '../core/index.ts';
import { openBlobFile } from './blob-file-reader.ts';
import { BlobLedger, isOwnedFile } from './blob-ledger.ts';
import { readBootId } from './boot-id.ts';
import type { DiskBlobWriter } from './disk-blob-writer.ts';
import { StoreError, toStoreError } from './errors.ts';
import { writeFileDurably } from './files.ts';
import { isSaneSpec } from './journal.ts';
import { STORE_LIMITS } from './limits.ts';
import { openDiskBlobWriter } from './open-part.ts';
import { readJournal } from './part-journal.ts';
import { heldBytesOf } from './piece-progress.ts';
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
import { StoreFolder } from './store-folder.ts';

export interface DiskBlobStoreOptions {
  readonly folder: string;
  readonly index: BlobIndex;
  readonly quotaBytes?: number | undefined;
  /** Free space left to the rest of the machine. */
  readonly reserveBytes?: number;
  /** Written bytes between background syncs. */
  readonly syncStepBytes?: number;
  /** Names this start of the machine; read from the system when absent. */
  readonly bootId?: string;
  readonly logger?: Logger;
}

/** Opens the folder, making it when absent, and brings index and files together (§4.6). */
export async function openDiskBlobStore(options: DiskBlobStoreOptions): Promise<BlobStore> {
  const folder = new StoreFolder(options.folder);
  try {
    await folder.prepare();
    await folder.removeTemporaries();
    const store = new DiskBlobStore(folder, options, options.bootId ?? (await readBootId()));
    await store.reconcile();
    return store;
  } catch (thrown) {
    throw toStoreError(`Opening the store ${options.folder}`, thrown);
  }
}

class DiskBlobStore implements BlobStore {
  readonly #folder: StoreFolder;
  readonly #ledger: BlobLedger;
  readonly #options: DiskBlobStoreOptions;
  readonly #bootId: string;
  readonly #logger: Logger;
  readonly #writers = new Map<Sha256, OpenPart>();
  readonly #space: SpaceGuard;
  #isClosed = false;

  constructor(folder: StoreFolder, options: DiskBlobStoreOptions, bootId: string) {
    this.#folder = folder;
    this.#options = options;
    this.#bootId = bootId;
    this.#logger = options.logger ?? silentLogger;
    this.#space = new SpaceGuard({
      reserveBytes: options.reserveBytes ?? STORE_LIMITS.reserveBytes,
      quotaBytes: options.quotaBytes,
      freeBytes: () => folder.freeBytes(),
      ownedBytes: () => this.#ledger.ownedBytes(),
      idleParts: async () => (await this.listParts()).filter(({ sha256 }) => !this.#writers.has(sha256)),
      openParts: () => this.#writers.values(),
    });
    this.#ledger = new BlobLedger(options.index, {
      isThere: isOwnedFile,
      open: (place) => openBlobFile(place, () => this.#loseOwned(place)),
      delete: ({ path }) => rm(path, { force: true }),
    });
  }

  /** Rows without a file go, files without a row are entered. */
  async reconcile(): Promise<void> {
    const { index } = this.#ledger;
    const files = new Map((await this.#folder.blobFiles()).map((file) => [file.path, file]));
    for (const place of index.allPlaces()) {
      if (place.place !== 'owned') continue;
      if (files.get(place.path)?.sizeBytes === place.sizeBytes) files.delete(place.path);
      else this.#loseOwned(place);
    }
    for (const file of files.values()) {
      this.#logger.info({ sha256: file.sha256 }, 'blob found without an index row');
      index.putPlace({ ...file, place: 'owned', state: undefined });
    }
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
    if (!isSaneSpec(spec))
      throw new StoreError(
        'out_of_range',
        `Opening a part: ${spec.sizeBytes} bytes in pieces of ${spec.pieceBytes} make no sense`,
      );
    if (this.#writers.has(spec.sha256))
      throw new StoreError('blob_busy', `Opening a part of ${spec.sha256}: it is being written`);
    const part: OpenPart = { spec, isAdmitted: false, writer: undefined };
    this.#writers.set(spec.sha256, part);
    try {
      await this.#admit(part);
      const writer = await this.#openPart(spec);
      part.writer = writer;
      return writer;
    } catch (thrown) {
      this.#writers.delete(spec.sha256);
      throw toStoreError(`Opening a part of ${spec.sha256}`, thrown);
    }
  }

  async put(sha256: Sha256, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw new StoreError('digest_mismatch', `Storing ${bytes.length} bytes: their SHA-256 is not ${sha256}`);
    if ((await this.#ledger.find(sha256))?.place === 'owned') return;
    await this.#space.admit({ sha256, sizeBytes: bytes.length, allocatedBytes: 0 });
    await mkdir(this.#folder.blobFolder(sha256), { recursive: true });
    const temporary = join(this.#folder.partsFolder(), `${sha256}-${randomBytes(6).toString('hex')}.tmp`);
    await writeFileDurably(this.#folder.blobPath(sha256), temporary, bytes, 0o444);
    this.#enter(sha256, bytes.length);
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
    const parts = await this.listParts();
    const partialBytes = parts.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    return { ownedBytes: this.#ledger.ownedBytes(), partialBytes, quotaBytes: this.#options.quotaBytes };
  }

  async listParts(): Promise<readonly PartStat[]> {
    const parts: PartStat[] = [];
    for (const sha256 of await this.#folder.partNames()) {
      const writer = this.#writers.get(sha256)?.writer;
      parts.push({ sha256, heldBytes: writer?.heldBytes ?? (await this.#heldBytesOf(sha256)) });
    }
    return parts;
  }

  async discardPart(sha256: Sha256): Promise<void> {
    if (this.#writers.has(sha256))
      throw new StoreError('blob_busy', `Discarding the part of ${sha256}: it is being written`);
    await rm(this.#folder.partFolder(sha256), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#writers.values()].map(({ writer }) => writer?.close()));
  }

  #openPart(spec: BlobSpec): Promise<DiskBlobWriter> {
    return openDiskBlobWriter(spec, {
      folder: this.#folder,
      bootId: this.#bootId,
      syncStepBytes: this.#options.syncStepBytes,
      onFinished: async () => this.#enter(spec.sha256, spec.sizeBytes),
      onClosed: () => this.#writers.delete(spec.sha256),
    });
  }

  #enter(sha256: Sha256, sizeBytes: number): BlobStat {
    const path = this.#folder.blobPath(sha256);
    const place: BlobPlace = { sha256, sizeBytes, place: 'owned', path, state: undefined };
    this.#ledger.index.putPlace(place);
    return this.#ledger.toStat(place);
  }

  #loseOwned(place: BlobPlace): void {
    this.#logger.warn({ sha256: place.sha256, path: place.path }, 'owned blob is gone or has another size');
    this.#ledger.index.deletePlace(place.sha256, place.path);
  }

  async #admit(part: OpenPart): Promise<void> {
    const { sha256, sizeBytes } = part.spec;
    const found = await this.#ledger.find(sha256);
    if (found?.place === 'owned')
      throw new StoreError('blob_exists', `Opening a part of ${sha256}: the store owns the blob`);
    const allocatedBytes = await this.#folder.allocatedBytes(sha256);
    await this.#space.admit({ sha256, sizeBytes, allocatedBytes }, () => {
      part.isAdmitted = true;
    });
  }

  async #heldBytesOf(sha256: Sha256): Promise<number> {
    const state = await readJournal(this.#folder.journalPath(sha256), this.#bootId);
    return state === undefined ? 0 : heldBytesOf(state.spec, state.held);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoreError('store_closed', 'Using the store: it is closed');
  }
}
