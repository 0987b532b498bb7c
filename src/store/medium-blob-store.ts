/**
 * A blob store over the medium that keeps what it owns: who may write what, who uses it, whether there is room.
 * The medium moves bytes and decides nothing. A blob is entered in the index after the medium has it under its name.
 */
import { createHash } from 'node:crypto';
import type { Sha256 } from '../core/index.ts';
import { BlobLedger, type OwnedBlobs } from './blob-ledger.ts';
import { StoreError, toStoreError } from './errors.ts';
import { isSaneSpec, type JournalState } from './journal.ts';
import { type PartFile, PartShare } from './part-share.ts';
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
  PartReader,
  PartStat,
} from './ports.ts';
import { type OpenPart, SpaceGuard } from './space-guard.ts';

/** Where the bytes of owned blobs and of parts are: a folder, or memory. */
export interface BlobMedium extends OwnedBlobs {
  pathOf(sha256: Sha256): string;
  freeBytes(): Promise<number>;
  /** Keeps a whole blob under its name, as durably as the medium can. */
  keep(sha256: Sha256, bytes: Uint8Array): Promise<void>;
  openPart(spec: BlobSpec, owner: PartOwner): Promise<PartWriter>;
  partNames(): Promise<readonly Sha256[]>;
  /** Bytes of a part's pieces, as its journal says. */
  heldBytes(sha256: Sha256): Promise<number>;
  /** Bytes that a part takes up now. */
  allocatedBytes(sha256: Sha256): Promise<number>;
  deletePart(sha256: Sha256): Promise<void>;
  /** A part that nobody writes, as its journal tells it; undefined when there is none that can be read. */
  openIdlePart(sha256: Sha256): Promise<IdlePart | undefined>;
}

export interface IdlePart {
  readonly state: JournalState;
  readonly file: PartFile;
}

export interface PartOwner {
  /** The blob has its name. */
  readonly onFinished: () => Promise<BlobStat>;
  readonly onClosed: () => void;
}

export interface PartWriter extends BlobWriter {
  readonly heldBytes: number;
  /** Undefined when the part ended while it was opened. */
  openReader(): Promise<PartReader | undefined>;
}

export interface MediumBlobStoreOptions {
  readonly index: BlobIndex;
  readonly quotaBytes?: number | undefined;
  /** Free space left to the rest of the machine. */
  readonly reserveBytes: number;
}

export class MediumBlobStore implements BlobStore {
  readonly #medium: BlobMedium;
  readonly #ledger: BlobLedger;
  readonly #space: SpaceGuard;
  readonly #quotaBytes: number | undefined;
  readonly #writers = new Map<Sha256, OpenPart>();
  /** Parts that are read and that nobody writes: they end where somebody does. */
  readonly #idle = new Map<Sha256, Set<PartShare>>();
  #isClosed = false;

  constructor(medium: BlobMedium, { index, quotaBytes, reserveBytes }: MediumBlobStoreOptions) {
    this.#medium = medium;
    this.#quotaBytes = quotaBytes;
    this.#ledger = new BlobLedger(index, medium);
    this.#space = new SpaceGuard({
      reserveBytes,
      quotaBytes,
      freeBytes: () => medium.freeBytes(),
      ownedBytes: () => this.#ledger.ownedBytes(),
      idleParts: async () => (await this.listParts()).filter(({ sha256 }) => !this.#writers.has(sha256)),
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
    const { sha256, sizeBytes, pieceBytes } = spec;
    if (!isSaneSpec(spec))
      throw new StoreError(
        'out_of_range',
        `Opening a part: ${sizeBytes} bytes in pieces of ${pieceBytes} make no sense`,
      );
    this.#assertNobodyWrites(sha256, 'Opening a part');
    const part: OpenPart = { spec, isAdmitted: false, writer: undefined };
    this.#writers.set(sha256, part);
    this.#endIdle(sha256);
    try {
      await this.#admit(part);
      const writer = await this.#medium.openPart(spec, {
        onFinished: async () => this.#enter(sha256, sizeBytes),
        onClosed: () => this.#writers.delete(sha256),
      });
      part.writer = writer;
      return writer;
    } catch (thrown) {
      this.#writers.delete(sha256);
      throw toStoreError(`Opening a part of ${sha256}`, thrown);
    }
  }

  async openPart(sha256: Sha256): Promise<PartReader | undefined> {
    this.#assertOpen();
    const part = this.#writers.get(sha256);
    return part === undefined ? this.#openIdle(sha256) : part.writer?.openReader();
  }

  async put(sha256: Sha256, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw new StoreError('digest_mismatch', `Storing ${bytes.length} bytes: their SHA-256 is not ${sha256}`);
    if (await this.#isOwned(sha256)) return;
    await this.#space.admit({ sha256, sizeBytes: bytes.length, allocatedBytes: 0 });
    await this.#medium.keep(sha256, bytes);
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

  hold(sha256: Sha256): Disposable {
    return this.#ledger.hold(sha256);
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
    const partialBytes = (await this.listParts()).reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    return { ownedBytes: this.#ledger.ownedBytes(), partialBytes, quotaBytes: this.#quotaBytes };
  }

  async listParts(): Promise<readonly PartStat[]> {
    const parts: PartStat[] = [];
    for (const sha256 of await this.#medium.partNames()) {
      const writer = this.#writers.get(sha256)?.writer;
      parts.push({ sha256, heldBytes: writer?.heldBytes ?? (await this.#medium.heldBytes(sha256)) });
    }
    return parts;
  }

  async discardPart(sha256: Sha256): Promise<void> {
    this.#assertNobodyWrites(sha256, 'Discarding the part');
    this.#endIdle(sha256);
    await this.#medium.deletePart(sha256);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const sha256 of [...this.#idle.keys()]) this.#endIdle(sha256);
    await Promise.all([...this.#writers.values()].map(({ writer }) => writer?.close()));
  }

  async #openIdle(sha256: Sha256): Promise<PartReader | undefined> {
    const idle = await this.#medium.openIdlePart(sha256);
    if (idle === undefined) return undefined;
    const share = new PartShare(idle.state.spec, new PieceProgress(idle.state));
    const shares = this.#idle.get(sha256) ?? new Set();
    // Somebody may have begun to write it while it was opened.
    if (this.#writers.has(sha256) || this.#isClosed) share.end('ended');
    else this.#idle.set(sha256, shares.add(share));
    const close = async (): Promise<void> => {
      shares.delete(share);
      if (shares.size === 0 && this.#idle.get(sha256) === shares) this.#idle.delete(sha256);
      await idle.file.close();
    };
    return share.openReader({ read: (buffer, position) => idle.file.read(buffer, position), close });
  }

  #endIdle(sha256: Sha256): void {
    const shares = this.#idle.get(sha256) ?? [];
    this.#idle.delete(sha256);
    for (const share of shares) share.end('ended');
  }

  async #admit(part: OpenPart): Promise<void> {
    const { sha256, sizeBytes } = part.spec;
    if (await this.#isOwned(sha256))
      throw new StoreError('blob_exists', `Opening a part of ${sha256}: the store owns the blob`);
    const allocatedBytes = await this.#medium.allocatedBytes(sha256);
    await this.#space.admit({ sha256, sizeBytes, allocatedBytes }, () => {
      part.isAdmitted = true;
    });
  }

  async #isOwned(sha256: Sha256): Promise<boolean> {
    return (await this.#ledger.find(sha256))?.place === 'owned';
  }

  #enter(sha256: Sha256, sizeBytes: number): BlobStat {
    const path = this.#medium.pathOf(sha256);
    const place: BlobPlace = { sha256, sizeBytes, place: 'owned', path, state: undefined };
    this.#ledger.index.putPlace(place);
    return this.#ledger.toStat(place);
  }

  #assertNobodyWrites(sha256: Sha256, action: string): void {
    if (this.#writers.has(sha256)) throw new StoreError('blob_busy', `${action} of ${sha256}: it is being written`);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoreError('store_closed', 'Using the store: it is closed');
  }
}
