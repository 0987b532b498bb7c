/**
 * The differences that this node keeps, made or fetched: blobs of the store with a use `difference:…`, and a row each. Bounded by a share
 * of the store; what was unused for longest goes. Order of writes: blob, piece list, use, row; the opening lets go of what has no row, and
 * of rows whose blob is gone. Spec: docs/spec/22-differences.md §7.5.
 */
import { type Clock, Emitter, type Logger, messageOf, type Sha256 } from '../../core/index.ts';
import type { DifferenceLink } from '../../protocol/index.ts';
import type { Registry, StoredDifference } from '../../registry/index.ts';
import { type BlobStore, StoreError } from '../../store/index.ts';
import { NODE_LIMITS } from '../limits.ts';

export interface DifferenceShelfOptions {
  readonly rows: Registry['differences'];
  readonly pieceLists: Pick<Registry['pieceLists'], 'get' | 'delete'>;
  readonly store: BlobStore;
  /** Free where the store is, less what must stay free. */
  freeBytes(): Promise<number>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class DifferenceShelf {
  /** One came or went. */
  readonly changes = new Emitter<void>();
  readonly #options: DifferenceShelfOptions;
  readonly #kept = new Map<string, StoredDifference>();
  readonly #byDigest = new Map<Sha256, StoredDifference>();
  /** One change at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: DifferenceShelfOptions) {
    this.#options = options;
  }

  /** Brings rows and blobs together, as a crash may have left them. */
  async open(): Promise<void> {
    const { rows, store } = this.#options;
    for (const row of rows.list()) {
      if ((await store.stat(row.sha256)) === undefined || this.#byDigest.has(row.sha256)) {
        rows.delete(row.base, row.target);
        await store.removeRef(row.sha256, holderOf(row));
        continue;
      }
      await store.addRef(row.sha256, holderOf(row));
      this.#note(row);
    }
  }

  list(): readonly StoredDifference[] {
    return [...this.#kept.values()];
  }

  find(sha256: Sha256): StoredDifference | undefined {
    return this.#byDigest.get(sha256);
  }

  get totalBytes(): number {
    return this.list().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** As others are told of it; undefined where its pieces are not known. */
  linkOf({ base, target, sha256, sizeBytes }: StoredDifference): DifferenceLink | undefined {
    const list = this.#options.pieceLists.get(sha256);
    return list === undefined ? undefined : { base, target, sha256, sizeBytes, pieceRoot: list.pieceRoot };
  }

  /** It was given or applied: what was not for longest goes first. */
  noteUse(sha256: Sha256): void {
    const { rows, clock } = this.#options;
    const [row, usedAtMs] = [this.#byDigest.get(sha256), clock.nowMs()];
    if (row === undefined || usedAtMs - row.usedAtMs < NODE_LIMITS.differenceUseEveryMs) return;
    rows.touch(row.base, row.target, usedAtMs);
    this.#note({ ...row, usedAtMs });
  }

  /** Keeps a difference whose blob and piece list are here. False where it does not fit. */
  keep(difference: Omit<StoredDifference, 'madeAtMs' | 'usedAtMs'>): Promise<boolean> {
    return this.#inTurn(async () => {
      const { rows, store, clock } = this.#options;
      const known = this.#byDigest.get(difference.sha256);
      if (known !== undefined && keyOf(known) !== keyOf(difference)) return false;
      if (!(await this.#makeRoom(difference.sizeBytes))) return false;
      const nowMs = clock.nowMs();
      const row = { ...difference, madeAtMs: nowMs, usedAtMs: nowMs };
      await store.addRef(row.sha256, holderOf(row));
      const before = this.#kept.get(keyOf(row));
      rows.put(row);
      this.#note(row);
      if (before !== undefined && before.sha256 !== row.sha256) await this.#letGo(before);
      this.changes.emit();
      return true;
    });
  }

  /** Nobody needs it: its blob, or the part of it, goes. Nothing happens to one that is kept, unless it `isWrong`. */
  discard(sha256: Sha256, isWrong = false): Promise<void> {
    return this.#inTurn(async () => {
      const { store, pieceLists } = this.#options;
      const row = this.#byDigest.get(sha256);
      if (row !== undefined && !isWrong) return;
      if (row !== undefined) await this.#remove(row);
      else await this.#deleteBlob(sha256);
      if (!(await store.listParts()).some((part) => part.sha256 === sha256)) return;
      await store.discardPart(sha256);
      pieceLists.delete(sha256);
    });
  }

  async #makeRoom(sizeBytes: number): Promise<boolean> {
    const most = await this.#mostBytes();
    if (sizeBytes > most) return false;
    const byUse = this.list().toSorted((a, b) => a.usedAtMs - b.usedAtMs);
    let left = this.totalBytes + sizeBytes;
    let count = byUse.length + 1;
    for (const row of byUse) {
      if (left <= most && count <= NODE_LIMITS.differencesKept) break;
      await this.#remove(row);
      left -= row.sizeBytes;
      count -= 1;
    }
    return true;
  }

  async #mostBytes(): Promise<number> {
    const { ownedBytes, quotaBytes } = await this.#options.store.usage();
    const room = Math.min(quotaBytes ?? Number.POSITIVE_INFINITY, ownedBytes + (await this.#options.freeBytes()));
    return Math.min(NODE_LIMITS.differenceCacheBytes, room * NODE_LIMITS.differenceCacheShare);
  }

  async #remove(row: StoredDifference): Promise<void> {
    this.#kept.delete(keyOf(row));
    this.#options.rows.delete(row.base, row.target);
    await this.#letGo(row);
    this.changes.emit();
  }

  /** One that is being read or applied stays until that is over, and is collected then. */
  async #letGo(row: StoredDifference): Promise<void> {
    if (this.#byDigest.get(row.sha256) === row) this.#byDigest.delete(row.sha256);
    await this.#options.store.removeRef(row.sha256, holderOf(row));
    await this.#deleteBlob(row.sha256);
  }

  async #deleteBlob(sha256: Sha256): Promise<void> {
    const { store, pieceLists, logger } = this.#options;
    try {
      if (await store.remove(sha256)) pieceLists.delete(sha256);
    } catch (thrown) {
      if (thrown instanceof StoreError && thrown.code === 'blob_in_use') return;
      logger.warn({ err: messageOf(thrown), sha256 }, 'a difference that is not needed stays');
    }
  }

  #note(row: StoredDifference): void {
    this.#kept.set(keyOf(row), row);
    this.#byDigest.set(row.sha256, row);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }
}

function keyOf({ base, target }: Pick<StoredDifference, 'base' | 'target'>): string {
  return `${base}:${target}`;
}

function holderOf(row: Pick<StoredDifference, 'base' | 'target'>): string {
  return `difference:${keyOf(row)}`;
}
