/**
 * One part being written. Rules (docs/spec/06-store.md §4): the caller writes a piece's bytes, checks them, then commits;
 * the journal entry follows bytes that are in the page cache already. `finish` is the only way to a blob's name.
 * This object owns the two file descriptors; they close when the last operation under way has ended.
 */
import { close, fchmod, write } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { BackgroundSync } from './background-sync.ts';
import { StoreError, toStoreError } from './errors.ts';
import { readFully, syncData, syncFolder } from './files.ts';
import { type JournalState, pieceCountOf } from './journal.ts';
import { openIfThere, partFileOf } from './part-file.ts';
import type { PartJournal } from './part-journal.ts';
import { PartShare } from './part-share.ts';
import { PieceProgress } from './piece-progress.ts';
import type { BlobSpec, BlobStat, BlobWriter, PartReader } from './ports.ts';
import type { StoreFolder } from './store-folder.ts';

const closeFd = promisify(close);
const chmodFd = promisify(fchmod);

export interface DiskWriterOptions {
  readonly folder: StoreFolder;
  readonly bootId: string;
  readonly syncStepBytes?: number | undefined;
  /** The blob has its name: enter it in the index. */
  readonly onFinished: () => Promise<BlobStat>;
  readonly onClosed: () => void;
}

export class DiskBlobWriter implements BlobWriter {
  readonly spec: BlobSpec;
  readonly #fd: number;
  readonly #journal: PartJournal;
  readonly #progress: PieceProgress;
  readonly #share: PartShare;
  readonly #sync: BackgroundSync;
  readonly #options: DiskWriterOptions;
  #running = 0;
  /** One at a time: the kernel lets only one write to a file anyway, and the others would spin for their turn. */
  #lastWrite: Promise<void> = Promise.resolve();
  #idle: (() => void) | undefined;
  /** From here on nobody writes: the file is about to be the blob. */
  #isFinishing = false;
  #isNamed = false;
  #isClosing = false;
  #closed: Promise<void> | undefined;

  /** Takes over both files. Use `openDiskBlobWriter`. */
  constructor(state: JournalState, fd: number, journal: PartJournal, options: DiskWriterOptions) {
    this.spec = state.spec;
    this.#fd = fd;
    this.#journal = journal;
    this.#options = options;
    this.#progress = new PieceProgress(state);
    this.#share = new PartShare(state.spec, this.#progress);
    this.#sync = new BackgroundSync({
      fd,
      journal,
      ...(options.syncStepBytes === undefined ? {} : { stepBytes: options.syncStepBytes }),
      onCovered: (entries) => this.#progress.cover(entries),
      onFailure: () => this.#doubtUncovered(),
    });
  }

  get heldPieces(): Uint8Array {
    return this.#progress.held.toBytes();
  }

  get heldPiecesUnsure(): boolean {
    return this.#progress.unsure.count > 0;
  }

  get unsurePieces(): Uint8Array {
    return this.#progress.unsure.toBytes();
  }

  get heldBytes(): number {
    return this.#progress.heldBytes;
  }

  async openReader(): Promise<PartReader | undefined> {
    const { folder } = this.#options;
    const { sha256 } = this.spec;
    if (this.#isClosing) return undefined;
    // At any moment it may get its name, or be discarded.
    const fd = (await openIfThere(folder.dataPath(sha256))) ?? (await openIfThere(folder.blobPath(sha256)));
    if (fd === undefined) return undefined;
    return this.#share.openReader(partFileOf(fd));
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.#assertOpen();
    this.#assertInside(position, bytes.length);
    this.#sync.throwIfFailed();
    this.#running += 1;
    const write = this.#lastWrite.then(() => writeFully(this.#fd, bytes, position));
    this.#lastWrite = write.catch(() => {});
    try {
      await write;
    } catch (thrown) {
      throw toStoreError('Writing a piece', thrown);
    } finally {
      this.#endOne();
    }
    this.#sync.noteWritten(bytes.length);
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    this.#assertOpen();
    this.#assertInside(position, 0);
    this.#running += 1;
    try {
      return await readFully(this.#fd, buffer, position);
    } catch (thrown) {
      throw toStoreError('Reading a part', thrown);
    } finally {
      this.#endOne();
    }
  }

  commitPiece(index: number): void {
    this.#assertOpen();
    this.#assertPiece(index);
    const entry = this.#journal.entries;
    this.#journal.append('commit', index);
    this.#progress.commit(index, entry);
    this.#share.changed();
  }

  revokePiece(index: number): void {
    this.#assertOpen();
    this.#assertPiece(index);
    this.#progress.revoke(index);
    this.#share.changed();
    this.#journal.append('revoke', index);
    this.#journal.syncNow();
  }

  async finish(): Promise<BlobStat> {
    this.#assertOpen();
    this.#assertComplete();
    this.#isFinishing = true;
    try {
      await this.#syncAll();
      await this.#giveName();
    } catch (thrown) {
      this.#isFinishing = false;
      throw toStoreError('Finishing a blob', thrown);
    }
    const stat = await this.#options.onFinished();
    this.#share.end('whole');
    await this.#end(true);
    return stat;
  }

  close(): Promise<void> {
    return this.#end(false);
  }

  discard(): Promise<void> {
    return this.#end(true);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #syncAll(): Promise<void> {
    await this.#sync.settled();
    this.#sync.throwIfFailed();
    try {
      await syncData(this.#fd);
    } catch (thrown) {
      this.#doubtUncovered();
      throw thrown;
    }
  }

  async #giveName(): Promise<void> {
    const { folder } = this.#options;
    const { sha256 } = this.spec;
    await chmodFd(this.#fd, 0o444);
    await mkdir(folder.blobFolder(sha256), { recursive: true });
    // A finish that failed after this step is called again: the file has its name already.
    if (!this.#isNamed) await rename(folder.dataPath(sha256), folder.blobPath(sha256));
    this.#isNamed = true;
    await syncFolder(folder.blobFolder(sha256));
    await syncFolder(dirname(folder.blobFolder(sha256)));
  }

  #end(removesPart: boolean): Promise<void> {
    this.#isClosing = true;
    this.#share.end('ended');
    this.#closed ??= this.#release(removesPart);
    return this.#closed;
  }

  async #release(removesPart: boolean): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await this.#sync.settled();
    try {
      this.#journal.close();
      await closeFd(this.#fd);
      if (removesPart) await rm(this.#options.folder.partFolder(this.spec.sha256), { recursive: true, force: true });
    } catch (thrown) {
      throw toStoreError('Closing a part', thrown);
    } finally {
      this.#options.onClosed();
    }
  }

  #endOne(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#idle?.();
  }

  #doubtUncovered(): void {
    const doubts = this.#progress.doubtUncovered();
    if (doubts.length > 0) this.#share.changed();
    for (const index of doubts) {
      // On a disk that takes no more entries the doubt lives in memory; the failed sync is reported all the same.
      try {
        this.#journal.append('doubt', index);
      } catch {
        return;
      }
    }
  }

  #assertOpen(): void {
    if (this.#isClosing || this.#isFinishing) throw new StoreError('store_closed', 'Writing a part: it is closed');
  }

  #assertInside(position: number, length: number): void {
    if (Number.isSafeInteger(position) && position >= 0 && position + length <= this.spec.sizeBytes) return;
    throw new StoreError(
      'out_of_range',
      `Writing a part: bytes ${position} to ${position + length}, the blob has ${this.spec.sizeBytes}`,
    );
  }

  #assertPiece(index: number): void {
    const count = pieceCountOf(this.spec);
    if (Number.isInteger(index) && index >= 0 && index < count) return;
    throw new StoreError('out_of_range', `Journalling a piece: number ${index}, the blob has ${count}`);
  }

  #assertComplete(): void {
    const { held, unsure } = this.#progress;
    if (held.count === held.length && unsure.count === 0 && this.#running === 0) return;
    const data = { missing: held.length - held.count, unsure: unsure.count };
    throw new StoreError('incomplete', `Finishing a blob: ${data.missing} pieces missing, ${data.unsure} unchecked`, {
      data,
    });
  }
}

async function writeFully(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  let done = await writeOnce(fd, bytes, 0, position);
  while (done < bytes.length) done += await writeOnce(fd, bytes, done, position + done);
}

function writeOnce(fd: number, bytes: Uint8Array, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, offset, bytes.length - offset, position, (error, written) =>
      error === null ? resolve(written) : reject(error),
    );
  });
}
