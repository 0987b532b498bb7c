/**
 * The blob store on a disk. One process a folder (the home lock). Order of writes: bytes, sync, rename, sync of the folder,
 * index row; a crash between two of them is put right at the next opening. Spec: docs/spec/06-store.md.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Logger, type Sha256, silentLogger, systemClock } from '../core/index.ts';
import { openBlobFile } from './blob-file-reader.ts';
import { isOwnedFile } from './blob-ledger.ts';
import { readBootId } from './boot-id.ts';
import { toStoreError } from './errors.ts';
import { writeFileDurably } from './files.ts';
import { STORE_LIMITS } from './limits.ts';
import {
  type BlobMedium,
  type IdlePart,
  MediumBlobStore,
  type PartOwner,
  type PartWriter,
} from './medium-blob-store.ts';
import { openDiskBlobWriter } from './open-part.ts';
import { openIfThere, partFileOf } from './part-file.ts';
import { readJournal } from './part-journal.ts';
import { heldBytesOf } from './piece-progress.ts';
import type { BlobIndex, BlobPlace, BlobReader, BlobSpec, BlobStore } from './ports.ts';
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
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** Opens the folder, making it when absent, and brings index and files together (§4.6). */
export async function openDiskBlobStore(options: DiskBlobStoreOptions): Promise<BlobStore> {
  const folder = new StoreFolder(options.folder);
  const { index, quotaBytes, reserveBytes = STORE_LIMITS.reserveBytes, syncStepBytes, logger = silentLogger } = options;
  try {
    await folder.prepare();
    await folder.removeTemporaries();
    await discardForgottenParts(folder, (options.clock ?? systemClock).nowMs(), logger);
    await reconcile(folder, index, logger);
    await discardNamedParts(folder, index);
    const bootId = options.bootId ?? (await readBootId());
    const medium = new DiskMedium({ folder, bootId, syncStepBytes, logger });
    return new MediumBlobStore(medium, { index, quotaBytes, reserveBytes });
  } catch (thrown) {
    throw toStoreError(`Opening the store ${options.folder}`, thrown);
  }
}

/** A download that nobody goes on with keeps its room for a time, not for ever (06-store §5.3). */
async function discardForgottenParts(folder: StoreFolder, nowMs: number, logger: Logger): Promise<void> {
  for (const sha256 of await folder.partNames()) {
    const lastMs = await folder.partTouchedMs(sha256);
    if (lastMs === undefined || nowMs - lastMs <= STORE_LIMITS.partKeptMs) continue;
    logger.info({ sha256, lastMs }, 'part of a forgotten download discarded');
    await rm(folder.partFolder(sha256), { recursive: true, force: true });
  }
}

/** Rows without a file go, files without a row are entered. */
async function reconcile(folder: StoreFolder, index: BlobIndex, logger: Logger): Promise<void> {
  const files = new Map((await folder.blobFiles()).map((file) => [file.path, file]));
  for (const place of index.allPlaces()) {
    if (place.place !== 'owned') continue;
    if (files.get(place.path)?.sizeBytes === place.sizeBytes) files.delete(place.path);
    else {
      noteLoss(place, logger);
      index.deletePlace(place.sha256, place.path);
    }
  }
  for (const file of files.values()) {
    logger.info({ sha256: file.sha256 }, 'blob found without an index row');
    index.putPlace({ ...file, place: 'owned', state: undefined });
  }
}

/** Where a crash came between the rename and the end of the part's folder. */
async function discardNamedParts(folder: StoreFolder, index: BlobIndex): Promise<void> {
  for (const sha256 of await folder.partNames()) {
    const isNamed = index.places(sha256).some(({ place }) => place === 'owned');
    if (isNamed) await rm(folder.partFolder(sha256), { recursive: true, force: true });
  }
}

interface DiskMediumOptions {
  readonly folder: StoreFolder;
  readonly bootId: string;
  readonly syncStepBytes: number | undefined;
  readonly logger: Logger;
}

class DiskMedium implements BlobMedium {
  readonly #folder: StoreFolder;
  readonly #options: DiskMediumOptions;

  constructor(options: DiskMediumOptions) {
    this.#folder = options.folder;
    this.#options = options;
  }

  isThere(place: BlobPlace): Promise<boolean> {
    return isOwnedFile(place);
  }

  open(place: BlobPlace, onLost: () => void): Promise<BlobReader> {
    return openBlobFile(place, () => {
      noteLoss(place, this.#options.logger);
      onLost();
    });
  }

  delete({ path }: BlobPlace): Promise<void> {
    return rm(path, { force: true });
  }

  pathOf(sha256: Sha256): string {
    return this.#folder.blobPath(sha256);
  }

  freeBytes(): Promise<number> {
    return this.#folder.freeBytes();
  }

  async keep(sha256: Sha256, bytes: Uint8Array): Promise<void> {
    await mkdir(this.#folder.blobFolder(sha256), { recursive: true });
    const temporary = join(this.#folder.partsFolder(), `${sha256}-${randomBytes(6).toString('hex')}.tmp`);
    await writeFileDurably(this.pathOf(sha256), temporary, bytes, 0o444);
  }

  openPart(spec: BlobSpec, owner: PartOwner): Promise<PartWriter> {
    return openDiskBlobWriter(spec, { ...this.#options, ...owner });
  }

  partNames(): Promise<readonly Sha256[]> {
    return this.#folder.partNames();
  }

  async heldBytes(sha256: Sha256): Promise<number> {
    const state = await readJournal(this.#folder.journalPath(sha256), this.#options.bootId);
    return state === undefined ? 0 : heldBytesOf(state.spec, state.held);
  }

  async openIdlePart(sha256: Sha256): Promise<IdlePart | undefined> {
    const state = await readJournal(this.#folder.journalPath(sha256), this.#options.bootId);
    const fd = state === undefined ? undefined : await openIfThere(this.#folder.dataPath(sha256));
    if (state === undefined || fd === undefined) return undefined;
    return { state, file: partFileOf(fd) };
  }

  allocatedBytes(sha256: Sha256): Promise<number> {
    return this.#folder.allocatedBytes(sha256);
  }

  deletePart(sha256: Sha256): Promise<void> {
    return rm(this.#folder.partFolder(sha256), { recursive: true, force: true });
  }
}

function noteLoss({ sha256, path }: BlobPlace, logger: Logger): void {
  logger.warn({ sha256, path }, 'owned blob is gone or has another size');
}
