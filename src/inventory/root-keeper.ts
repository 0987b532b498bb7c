/**
 * Keeps what one scanner finds up to date: scans, one at a time; watches the folders it met; holds back what is still
 * being written. Owns its watches and timers; `stop()` ends them and waits for the scan in hand.
 * Spec: docs/spec/08-inventory.md §6, §7.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../core/index.ts';
import { InventoryError } from './errors.ts';
import { unreadable } from './folder-entries.ts';
import { FolderWatcher } from './folder-watcher.ts';
import { type FoundModel, isSameModel } from './found-model.ts';
import { INVENTORY_LIMITS } from './limits.ts';
import type { Scanner } from './scanner.ts';
import { SettleGate } from './settle-gate.ts';

export interface RootEvents {
  /** `previous` is what was known under this key. */
  readonly onModel: (model: FoundModel, previous: FoundModel | undefined) => void;
  readonly onGone: (model: FoundModel) => void;
  readonly onProblem: (problem: InventoryError) => void;
}

export interface RootOptions extends RootEvents {
  readonly scanner: Scanner;
  readonly clock: Clock;
  readonly settleMs: number;
  readonly rescanIntervalMs: number;
  readonly minRescanMs: number;
  readonly isWatching: boolean;
}

export class RootKeeper {
  readonly models = new Map<string, FoundModel>();
  readonly #options: RootOptions;
  readonly #abort = new AbortController();
  readonly #gate: SettleGate;
  readonly #watcher: FolderWatcher | undefined;
  #scanning: Promise<void> = Promise.resolve();
  #knownProblems = new Set<string>();
  #cancelTimer: (() => void) | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #lastEndMs = Number.NEGATIVE_INFINITY;
  #lastDurationMs = 0;

  constructor(options: RootOptions) {
    this.#options = options;
    this.#gate = new SettleGate(options.clock, options.settleMs);
    if (!options.isWatching) return;
    this.#watcher = new FolderWatcher({
      mostFolders: INVENTORY_LIMITS.watchedFolders,
      onChange: () => this.scanSoon(INVENTORY_LIMITS.watchRestMs),
      onLimit: (cause) => options.onProblem(watchLimited(options.scanner.root, cause)),
    });
  }

  /** Scans after whatever scan is running. `trustRecent`: takes files as complete that were written just now. */
  scan({ trustRecent = false } = {}): Promise<void> {
    this.#scanning = this.#scanning.then(() => this.#scanOnce(trustRecent));
    return this.#scanning;
  }

  /** Scans after a rest, not more often than the bounds allow. */
  scanSoon(delayMs: number): void {
    if (this.#abort.signal.aborted) return;
    const { clock } = this.#options;
    const restMs = Math.max(this.#options.minRescanMs, this.#lastDurationMs * INVENTORY_LIMITS.rescanCostFactor);
    const atMs = Math.max(clock.monotonicMs() + delayMs, this.#lastEndMs + restMs);
    if (atMs >= this.#timerAtMs) return;
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    this.#cancelTimer = clock.after(Math.max(0, atMs - clock.monotonicMs()), () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      void this.scan();
    });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancelTimer?.();
    this.#watcher?.close();
    await this.#scanning;
  }

  async #scanOnce(trustRecent: boolean): Promise<void> {
    if (this.#abort.signal.aborted) return;
    const startMs = this.#options.clock.monotonicMs();
    try {
      await this.#scanAll(trustRecent);
    } catch (thrown) {
      if (this.#abort.signal.aborted) return;
      const problem = thrown instanceof InventoryError ? thrown : unreadable(this.#options.scanner.root, thrown);
      if (!this.#knownProblems.has(problem.message)) this.#options.onProblem(problem);
      this.#knownProblems.add(problem.message);
    }
    this.#lastEndMs = this.#options.clock.monotonicMs();
    this.#lastDurationMs = this.#lastEndMs - startMs;
    this.scanSoon(this.#gate.heldCount > 0 ? this.#options.settleMs : this.#options.rescanIntervalMs);
  }

  async #scanAll(trustRecent: boolean): Promise<void> {
    const { scanner } = this.#options;
    const met = {
      keys: new Set<string>(),
      held: new Set<string>(),
      folders: new Set<string>(),
      problems: new Set<string>(),
    };
    const onFolder = (folder: string) => {
      met.folders.add(folder);
      this.#watcher?.add(folder);
    };
    onFolder(nearestExisting(scanner.root));
    const report = (problem: InventoryError) => {
      if (!this.#knownProblems.has(problem.message) && !met.problems.has(problem.message))
        this.#options.onProblem(problem);
      met.problems.add(problem.message);
    };
    for await (const model of scanner.scan({ signal: this.#abort.signal, onFolder, report })) {
      if (!this.#isReady(model, trustRecent)) met.held.add(model.key);
      else {
        met.keys.add(model.key);
        this.#take(model);
      }
    }
    this.#abort.signal.throwIfAborted();
    this.#knownProblems = met.problems;
    this.#gate.keepOnly(met.held);
    this.#watcher?.keepOnly(met.folders);
    this.#dropGone(met.keys);
  }

  #isReady(model: FoundModel, trustRecent: boolean): boolean {
    const known = this.models.get(model.key);
    if (trustRecent || (known !== undefined && isSameModel(known, model))) return true;
    return this.#gate.isSettled(model);
  }

  #take(model: FoundModel): void {
    const previous = this.models.get(model.key);
    if (previous !== undefined && isSameModel(previous, model)) return;
    this.models.set(model.key, model);
    this.#options.onModel(model, previous);
  }

  #dropGone(keys: ReadonlySet<string>): void {
    for (const [key, model] of this.models) {
      if (keys.has(key)) continue;
      this.models.delete(key);
      this.#options.onGone(model);
    }
  }
}

/** A root that is not there yet is awaited in the folder above it. */
function nearestExisting(folder: string): string {
  let nearest = folder;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  return nearest;
}

function watchLimited(root: string, cause: unknown): InventoryError {
  return new InventoryError('watch_limited', `Watching ${root}: not every folder below it can be watched`, {
    cause,
    data: { root },
  });
}
