/**
 * The journal of one part as an open file. Entries are appended by one small synchronous write each (microseconds, into
 * the page cache), because a committed piece must survive the end of the process at the next instruction.
 * Spec: docs/spec/06-store.md §3, §4.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { StoreError, toStoreError } from './errors.ts';
import { isAbsence, syncData, writeFileDurably } from './files.ts';
import {
  decodeJournal,
  encodeEntry,
  encodeHeader,
  encodeJournal,
  headerCrcOf,
  JOURNAL_ENTRY_BYTES,
  JOURNAL_HEADER_BYTES,
  type JournalEntryKind,
  type JournalState,
} from './journal.ts';
import { STORE_LIMITS } from './limits.ts';

/** What a part's journal says; undefined when there is none that can be read. */
export async function readJournal(path: string, bootId: string): Promise<JournalState | undefined> {
  try {
    if ((await stat(path)).size > STORE_LIMITS.journalBytes) return undefined;
    return decodeJournal(await readFile(path), bootId);
  } catch (thrown) {
    if (isAbsence(thrown)) return undefined;
    throw toStoreError(`Reading ${path}`, thrown);
  }
}

export class PartJournal {
  readonly #fd: number;
  readonly #seed: number;
  readonly #entry = Buffer.alloc(JOURNAL_ENTRY_BYTES);
  #entries: number;
  #isOpen = true;

  private constructor(fd: number, seed: number, entries: number) {
    this.#fd = fd;
    this.#seed = seed;
    this.#entries = entries;
  }

  /** Writes the journal anew from `state` (§3.5) and opens it for appending. */
  static async open(path: string, state: JournalState, bootId: string): Promise<PartJournal> {
    const { bytes, entries } = encodeJournal(state, bootId);
    await writeFileDurably(path, `${path}.new`, bytes, 0o600);
    const seed = headerCrcOf(encodeHeader(state.spec, bootId));
    try {
      return new PartJournal(openSync(path, 'r+'), seed, entries);
    } catch (thrown) {
      throw toStoreError(`Opening ${path}`, thrown);
    }
  }

  /** How many entries there are; a mark made now covers these. */
  get entries(): number {
    return this.#entries;
  }

  append(kind: JournalEntryKind, index: number): void {
    if (!this.#isOpen) throw new StoreError('store_closed', `Journalling a ${kind}: the part is closed`);
    encodeEntry(this.#entry, kind, index, this.#entries, this.#seed);
    const position = JOURNAL_HEADER_BYTES + this.#entries * JOURNAL_ENTRY_BYTES;
    try {
      // A short write leaves a torn entry, which the next one overwrites: the number has not moved on.
      const written = writeSync(this.#fd, this.#entry, 0, JOURNAL_ENTRY_BYTES, position);
      if (written < JOURNAL_ENTRY_BYTES) throw new StoreError('disk_full', `Journalling a ${kind}: no room`);
    } catch (thrown) {
      throw toStoreError(`Journalling a ${kind}`, thrown);
    }
    this.#entries += 1;
  }

  syncNow(): void {
    try {
      fdatasyncSync(this.#fd);
    } catch (thrown) {
      throw toStoreError('Syncing a journal', thrown);
    }
  }

  async sync(): Promise<void> {
    await syncData(this.#fd);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#fd);
  }
}
