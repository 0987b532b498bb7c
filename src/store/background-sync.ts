/**
 * Brings a part's bytes to the disk beside the writes, a step at a time and never two at once, so that the last sync is
 * short and a power cut puts little in doubt. Spec: docs/spec/06-store.md §4.3.
 */
import { toStoreError } from './errors.ts';
import { syncData } from './files.ts';
import { STORE_LIMITS } from './limits.ts';
import type { PartJournal } from './part-journal.ts';

export class BackgroundSync {
  readonly #fd: number;
  readonly #journal: PartJournal;
  readonly #stepBytes: number;
  readonly #onFailure: () => void;
  readonly #onCovered: (entries: number) => void;
  #running: Promise<void> | undefined;
  #unsyncedBytes = 0;
  #failure: unknown;

  constructor(options: {
    readonly fd: number;
    readonly journal: PartJournal;
    readonly stepBytes?: number;
    /** The sync of these entries is on the disk. */
    readonly onCovered: (entries: number) => void;
    /** Bytes since the last mark may be lost. */
    readonly onFailure: () => void;
  }) {
    this.#fd = options.fd;
    this.#journal = options.journal;
    this.#stepBytes = options.stepBytes ?? STORE_LIMITS.syncStepBytes;
    this.#onCovered = options.onCovered;
    this.#onFailure = options.onFailure;
  }

  noteWritten(sizeBytes: number): void {
    this.#unsyncedBytes += sizeBytes;
    if (this.#unsyncedBytes >= this.#stepBytes && this.#running === undefined) this.#start();
  }

  /** Throws once what a step failed with. */
  throwIfFailed(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw toStoreError('Syncing a part', failure);
  }

  /** Waits for the step that runs. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #start(): void {
    this.#unsyncedBytes = 0;
    this.#running = this.#step()
      .catch((thrown: unknown) => {
        this.#failure = thrown;
        this.#onFailure();
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #step(): Promise<void> {
    const covered = this.#journal.entries;
    await syncData(this.#fd);
    this.#journal.append('mark', covered);
    this.#onCovered(covered);
    await this.#journal.sync();
  }
}
