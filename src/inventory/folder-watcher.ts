/**
 * Tells that something below a set of folders changed, not what: the scanners look themselves. Each folder has a watch
 * of its own, set before it is read, so that nothing falls between. Owns the watches; `close()` ends them all.
 * Spec: docs/spec/08-inventory.md §7.1.
 */
import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';
import { systemCodeOf } from '../core/index.ts';

export class FolderWatcher {
  readonly #onChange: (folder: string) => void;
  readonly #onLimit: (cause: unknown) => void;
  readonly #mostFolders: number;
  readonly #watches = new Map<string, FSWatcher>();
  #isLimited = false;

  constructor(options: {
    readonly mostFolders: number;
    readonly onChange: (folder: string) => void;
    /** Called once, when a folder cannot be watched because there are too many. */
    readonly onLimit: (cause: unknown) => void;
  }) {
    this.#mostFolders = options.mostFolders;
    this.#onChange = options.onChange;
    this.#onLimit = options.onLimit;
  }

  /** Idempotent. A folder that is not there, or cannot be watched, is left to the periodic scan. */
  add(folder: string): void {
    if (this.#watches.has(folder)) return;
    if (this.#watches.size >= this.#mostFolders) {
      this.#tellLimit(undefined);
      return;
    }
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => this.#onEvent(folder, name));
      watcher.on('error', () => this.remove(folder));
      this.#watches.set(folder, watcher);
    } catch (cause) {
      const code = systemCodeOf(cause);
      if (code === 'ENOSPC' || code === 'EMFILE') this.#tellLimit(cause);
    }
  }

  remove(folder: string): void {
    this.#watches.get(folder)?.close();
    this.#watches.delete(folder);
  }

  /** Ends the watches of folders that a scan no longer met. */
  keepOnly(folders: ReadonlySet<string>): void {
    for (const folder of this.#watches.keys()) if (!folders.has(folder)) this.remove(folder);
  }

  close(): void {
    for (const watcher of this.#watches.values()) watcher.close();
    this.#watches.clear();
  }

  /** A folder that was removed or renamed tells its own name: its watch is dead, the next scan sets a new one. */
  #onEvent(folder: string, name: string | null): void {
    if (name === basename(folder)) this.remove(folder);
    this.#onChange(folder);
  }

  #tellLimit(cause: unknown): void {
    if (this.#isLimited) return;
    this.#isLimited = true;
    this.#onLimit(cause);
  }
}
