/**
 * Which files of the found models are hashed, and whether what their names claim is true. Asks the queue, remembers the
 * answer by path, and tells when all of a model's files are known. Spec: docs/spec/08-inventory.md §1.3, §8.
 */
import type { Sha256 } from '../core/index.ts';
import { InventoryError } from './errors.ts';
import { isSameState } from './file-state.ts';
import type { FoundFile, FoundModel } from './found-model.ts';
import { HASH_PRIORITY, type HashOutcome, type HashQueue } from './hash-queue.ts';
import type { FileFingerprint, FileHashes } from './ports.ts';

export type FileHashState =
  | { readonly status: 'waiting' | 'changed' }
  | { readonly status: 'hashing'; readonly doneBytes: number }
  | { readonly status: 'hashed'; readonly sha256: Sha256; readonly claim: 'none' | 'proved' | 'disproved' }
  | { readonly status: 'failed'; readonly message: string };

export interface VerifiedFile extends FoundFile, FileHashes {}

export interface LedgerEvents {
  readonly onProgress: (file: FileFingerprint, doneBytes: number) => void;
  readonly onHashed: (file: FileFingerprint, hashes: FileHashes, fromCache: boolean) => void;
  readonly onChanged: (model: FoundModel, file: FoundFile) => void;
  readonly onMismatch: (model: FoundModel, file: FoundFile, actual: Sha256) => void;
  readonly onProblem: (problem: InventoryError) => void;
}

export class HashLedger {
  readonly #queue: HashQueue;
  readonly #events: LedgerEvents;
  readonly #states = new Map<string, { readonly file: FileFingerprint; state: FileHashState }>();
  /** Files whose wrong claim has been told: once for each model, however often it is verified. */
  readonly #disproved = new WeakSet<FoundFile>();
  readonly #stopProgress: () => void;

  constructor(queue: HashQueue, events: LedgerEvents) {
    this.#queue = queue;
    this.#events = events;
    this.#stopProgress = queue.progress.on(({ file, doneBytes }) => {
      this.#set(file, { status: 'hashing', doneBytes });
      events.onProgress(file, doneBytes);
    });
  }

  /** Undefined for a file that is in no model, or in another state. */
  stateOf(file: FileFingerprint): FileHashState | undefined {
    const known = this.#states.get(file.path);
    return known !== undefined && isSameState(known.file, file) ? known.state : undefined;
  }

  /** Every file with its hashes, or undefined where one failed, changed or was dropped. */
  async verify(model: FoundModel, priority: number = HASH_PRIORITY.background): Promise<VerifiedFile[] | undefined> {
    const hashed = await Promise.all(model.files.map((file) => this.#hash(model, file, priority)));
    return hashed.every((file) => file !== undefined) ? (hashed as VerifiedFile[]) : undefined;
  }

  /** The first file whose name claims another content than it has. */
  disprovedFile(model: FoundModel): FoundFile | undefined {
    return model.files.find(({ fingerprint }) => {
      const state = this.stateOf(fingerprint);
      return state?.status === 'hashed' && state.claim === 'disproved';
    });
  }

  /** Drops the jobs of files that no model has any more. */
  forget(files: readonly FoundFile[], isUsed: (path: string) => boolean): void {
    for (const { absolutePath } of files.filter((file) => !isUsed(file.absolutePath))) {
      this.#queue.cancel(absolutePath);
      this.#states.delete(absolutePath);
    }
  }

  close(): void {
    this.#stopProgress();
  }

  async #hash(model: FoundModel, file: FoundFile, priority: number): Promise<VerifiedFile | undefined> {
    if (this.stateOf(file.fingerprint) === undefined) this.#set(file.fingerprint, { status: 'waiting' });
    const outcome = await this.#queue.hash(file.fingerprint, priority);
    if (outcome.status !== 'hashed') {
      this.#onMissed(model, file, outcome);
      return undefined;
    }
    this.#onHashed(model, file, outcome);
    return { ...file, ...outcome.hashes };
  }

  #onHashed(
    model: FoundModel,
    file: FoundFile,
    { hashes, fromCache }: Extract<HashOutcome, { status: 'hashed' }>,
  ): void {
    const isKnown = this.stateOf(file.fingerprint)?.status === 'hashed';
    const isTrue = file.claimedSha256 === hashes.sha256;
    const claim = file.claimedSha256 === undefined ? 'none' : isTrue ? 'proved' : 'disproved';
    this.#set(file.fingerprint, { status: 'hashed', sha256: hashes.sha256, claim });
    if (!isKnown) this.#events.onHashed(file.fingerprint, hashes, fromCache);
    if (claim !== 'disproved' || this.#disproved.has(file)) return;
    this.#disproved.add(file);
    this.#events.onMismatch(model, file, hashes.sha256);
  }

  #onMissed(model: FoundModel, file: FoundFile, outcome: Exclude<HashOutcome, { status: 'hashed' }>): void {
    const path = file.absolutePath;
    if (outcome.status === 'changed') {
      this.#set(file.fingerprint, { status: 'changed' });
      this.#events.onChanged(model, file);
    } else if (outcome.status === 'failed') {
      this.#set(file.fingerprint, { status: 'failed', message: outcome.message });
      const message = `Hashing ${path}: ${outcome.message}`;
      this.#events.onProblem(new InventoryError('hash_failed', message, { data: { path, code: outcome.code } }));
    }
  }

  #set(file: FileFingerprint, state: FileHashState): void {
    this.#states.set(file.path, { file, state });
  }
}
