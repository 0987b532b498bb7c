/**
 * What models lie on this machine, kept up to date, each file hashed once in the background. Owns the keepers of the
 * roots, the hash queue and its thread. `stop()` ends scans, watches and the thread; no event follows it.
 * Spec: docs/spec/08-inventory.md.
 */
import { type Clock, Emitter, type Sha256, systemClock } from '../core/index.ts';
import { InventoryError } from './errors.ts';
import type { FoundFile, FoundModel } from './found-model.ts';
import { type FileHashState, HashLedger, type VerifiedFile } from './hash-ledger.ts';
import { HASH_PRIORITY, HashQueue } from './hash-queue.ts';
import { INVENTORY_LIMITS } from './limits.ts';
import type { FileFingerprint, FileHashes, HashCache } from './ports.ts';
import { RootKeeper } from './root-keeper.ts';
import type { Scanner } from './scanner.ts';

export type InventoryEvent =
  | { readonly kind: 'found'; readonly model: FoundModel }
  | { readonly kind: 'changed'; readonly model: FoundModel }
  | { readonly kind: 'gone'; readonly model: FoundModel }
  /** All files are hashed, no claim is disproved, nothing is damaged: the model may be advertised. */
  | { readonly kind: 'verified'; readonly model: FoundModel; readonly files: readonly VerifiedFile[] }
  | { readonly kind: 'hashing'; readonly file: FileFingerprint; readonly doneBytes: number }
  | {
      readonly kind: 'hashed';
      readonly file: FileFingerprint;
      readonly hashes: FileHashes;
      readonly fromCache: boolean;
    }
  | { readonly kind: 'claim_mismatch'; readonly model: FoundModel; readonly file: FoundFile; readonly actual: Sha256 }
  | { readonly kind: 'problem'; readonly problem: InventoryError };

export interface InventoryOptions {
  readonly scanners: readonly Scanner[];
  readonly hashCache: HashCache;
  readonly clock?: Clock;
  readonly settleMs?: number;
  readonly rescanIntervalMs?: number;
  readonly minRescanMs?: number;
  readonly hashRateBytesPerSecond?: number;
  /** Default true. */
  readonly isWatching?: boolean;
  /** Default true; without, files are hashed only when `verifyNow()` asks. */
  readonly isHashing?: boolean;
}

export class Inventory {
  readonly events = new Emitter<InventoryEvent>();
  readonly #keepers = new Map<Scanner, RootKeeper>();
  readonly #options: InventoryOptions;
  readonly #queue: HashQueue;
  readonly #ledger: HashLedger;
  /** How many models use a file. */
  readonly #uses = new Map<string, number>();
  #firstScan: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(options: InventoryOptions) {
    this.#options = options;
    const { hashCache: cache, hashRateBytesPerSecond: rateBytesPerSecond } = options;
    this.#queue = new HashQueue({ cache, ...(rateBytesPerSecond === undefined ? {} : { rateBytesPerSecond }) });
    this.#ledger = new HashLedger(this.#queue, {
      onProgress: (file, doneBytes) => this.#emit({ kind: 'hashing', file, doneBytes }),
      onHashed: (file, hashes, fromCache) => this.#emit({ kind: 'hashed', file, hashes, fromCache }),
      onChanged: (model) => this.#keeperOf(model)?.scanSoon(INVENTORY_LIMITS.watchRestMs),
      onMismatch: (model, file, actual) => this.#onMismatch(model, file, actual),
      onProblem: (problem) => this.#emit({ kind: 'problem', problem }),
    });
  }

  /** Begins the first scan and goes on until `stop()` or the signal. */
  start(signal?: AbortSignal): void {
    if (signal?.aborted) return;
    signal?.addEventListener('abort', () => void this.stop(), { once: true });
    for (const scanner of this.#options.scanners) this.#addKeeper(scanner);
    this.#firstScan = Promise.all([...this.#keepers.values()].map((keeper) => keeper.scan()));
  }

  /** Resolves when every root has been scanned once. */
  async whenScanned(): Promise<void> {
    await this.#firstScan;
  }

  /** Scans every root now. `trustRecent`: files written just now are taken as complete, as for an explicit import. */
  async rescan(options: { readonly trustRecent?: boolean } = {}): Promise<void> {
    await Promise.all([...this.#keepers.values()].map((keeper) => keeper.scan(options)));
  }

  /** Another root from now on; resolves when it has been scanned. */
  async add(scanner: Scanner, options: { readonly trustRecent?: boolean } = {}): Promise<void> {
    const keeper = this.#addKeeper(scanner);
    await keeper?.scan(options);
  }

  /** The root's models are gone; its files stay where they are. */
  async remove(scanner: Scanner): Promise<void> {
    const keeper = this.#keepers.get(scanner);
    if (keeper === undefined) return;
    this.#keepers.delete(scanner);
    await keeper.stop();
    for (const model of keeper.models.values()) this.#onGone(model);
  }

  /** All that is found, damaged ones included. */
  models(): readonly FoundModel[] {
    return [...this.#keepers.values()].flatMap((keeper) =>
      [...keeper.models.values()].map((model) => this.#view(model)),
    );
  }

  model(key: string): FoundModel | undefined {
    const found = this.#keepers
      .values()
      .map((keeper) => keeper.models.get(key))
      .find((model) => model !== undefined);
    return found === undefined ? undefined : this.#view(found);
  }

  hashState(file: FileFingerprint): FileHashState | undefined {
    return this.#ledger.stateOf(file);
  }

  /** Hashes the model's files before all others. Undefined where it is damaged, or one cannot be hashed or is not what it claims. */
  async verifyNow(key: string): Promise<readonly VerifiedFile[] | undefined> {
    const model = this.model(key);
    if (model === undefined || model.damaged !== undefined) return undefined;
    const files = await this.#ledger.verify(model, HASH_PRIORITY.urgent);
    return this.#ledger.disprovedFile(model) === undefined ? files : undefined;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#ledger.close();
    await Promise.all([...this.#keepers.values()].map((keeper) => keeper.stop()));
    await this.#queue.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #addKeeper(scanner: Scanner): RootKeeper | undefined {
    if (this.#isStopped) return undefined;
    const known = this.#keepers.get(scanner);
    if (known !== undefined) return known;
    const keeper = new RootKeeper({
      scanner,
      clock: this.#options.clock ?? systemClock,
      settleMs: this.#options.settleMs ?? INVENTORY_LIMITS.settleMs,
      rescanIntervalMs: this.#options.rescanIntervalMs ?? INVENTORY_LIMITS.rescanIntervalMs,
      minRescanMs: this.#options.minRescanMs ?? INVENTORY_LIMITS.minRescanMs,
      isWatching: this.#options.isWatching ?? true,
      onModel: (model, previous) => this.#onModel(model, previous),
      onGone: (model) => this.#onGone(model),
      onProblem: (problem) => this.#emit({ kind: 'problem', problem }),
    });
    this.#keepers.set(scanner, keeper);
    return keeper;
  }

  #onModel(model: FoundModel, previous: FoundModel | undefined): void {
    for (const { absolutePath } of model.files) this.#uses.set(absolutePath, (this.#uses.get(absolutePath) ?? 0) + 1);
    if (previous !== undefined) this.#release(previous);
    this.#emit({ kind: previous === undefined ? 'found' : 'changed', model: this.#view(model) });
    if ((this.#options.isHashing ?? true) && model.damaged === undefined) void this.#verify(model);
  }

  #onGone(model: FoundModel): void {
    this.#release(model);
    this.#emit({ kind: 'gone', model });
  }

  /** Tells of a model only while it is still what was hashed. */
  async #verify(model: FoundModel): Promise<void> {
    const files = await this.#ledger.verify(model);
    const isCurrent = this.#keeperOf(model)?.models.get(model.key) === model;
    if (files === undefined || !isCurrent || this.#ledger.disprovedFile(model) !== undefined) return;
    this.#emit({ kind: 'verified', model, files });
  }

  #onMismatch(model: FoundModel, file: FoundFile, actual: Sha256): void {
    this.#emit({ kind: 'claim_mismatch', model: this.#view(model), file, actual });
    const message = `Verifying ${file.absolutePath}: its SHA-256 is ${actual}, its name says ${file.claimedSha256}`;
    const data = { path: file.absolutePath, modelId: model.modelId };
    this.#emit({ kind: 'problem', problem: new InventoryError('claim_mismatch', message, { data }) });
  }

  /** The model as it is known by now: a disproved claim is damage. */
  #view(model: FoundModel): FoundModel {
    const disproved = this.#ledger.disprovedFile(model);
    if (disproved === undefined) return model;
    const reason = `${disproved.path} has another SHA-256 than its name claims`;
    return { ...model, damaged: model.damaged === undefined ? reason : `${model.damaged}; ${reason}` };
  }

  #release(model: FoundModel): void {
    for (const { absolutePath } of model.files) {
      const left = (this.#uses.get(absolutePath) ?? 1) - 1;
      if (left > 0) this.#uses.set(absolutePath, left);
      else this.#uses.delete(absolutePath);
    }
    this.#ledger.forget(model.files, (path) => this.#uses.has(path));
  }

  #keeperOf(model: FoundModel): RootKeeper | undefined {
    return this.#keepers.values().find((keeper) => keeper.models.has(model.key));
  }

  #emit(event: InventoryEvent): void {
    if (!this.#isStopped) this.events.emit(event);
  }
}
