/**
 * What every store does alike over its index: which place of a blob is alive, who uses it, what may go.
 * Spec: docs/spec/06-store.md §2, §6.
 */
import { lstat, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { Sha256 } from '../core/index.ts';
import { openBlobFile } from './blob-file-reader.ts';
import { StoreError, toStoreError } from './errors.ts';
import { isAbsence, isSameState, toFileState } from './files.ts';
import { STORE_LIMITS } from './limits.ts';
import type { BlobIndex, BlobPlace, BlobReader, BlobStat, CollectResult, FileState } from './ports.ts';

/** How a store opens, checks and deletes what it owns. `onLost` hears that a place is void. */
export interface OwnedBlobs {
  isThere(place: BlobPlace): Promise<boolean>;
  open(place: BlobPlace, onLost: () => void): Promise<BlobReader>;
  delete(place: BlobPlace): Promise<void>;
}

type Life = 'alive' | 'void' | 'unknown';

export class BlobLedger {
  readonly index: BlobIndex;
  readonly #owned: OwnedBlobs;
  readonly #holds = new Map<Sha256, number>();

  constructor(index: BlobIndex, owned: OwnedBlobs) {
    this.index = index;
    this.#owned = owned;
  }

  /** The first place that lives. Void ones are forgotten on the way. */
  async find(sha256: Sha256): Promise<BlobPlace | undefined> {
    for (const place of this.index.places(sha256)) {
      const life = await this.#lifeOf(place);
      if (life === 'alive') return place;
      if (life === 'void') this.#forget(place);
    }
    return undefined;
  }

  async stat(sha256: Sha256): Promise<BlobStat | undefined> {
    const place = await this.find(sha256);
    return place === undefined ? undefined : this.toStat(place);
  }

  toStat({ sha256, sizeBytes, place, path }: BlobPlace): BlobStat {
    const refs = this.index.refs(sha256).length;
    return { sha256, sizeBytes, place, path, pinned: this.index.isPinned(sha256), refs };
  }

  /** Opens the first place that can be; when none can, throws what the last one said. */
  async openRead(sha256: Sha256): Promise<BlobReader> {
    let reason: unknown = new StoreError('blob_not_found', `Opening blob ${sha256}: the store does not have it`, {
      data: { sha256 },
    });
    for (const place of this.index.places(sha256)) {
      try {
        const onLost = (): void => this.#forget(place);
        return await (place.place === 'owned' ? this.#owned.open(place, onLost) : openBlobFile(place, onLost));
      } catch (thrown) {
        reason = thrown;
      }
    }
    throw reason;
  }

  async adopt(sha256: Sha256, path: string, state: FileState): Promise<void> {
    if (!isAbsolute(path)) throw new StoreError('out_of_range', `Adopting ${path}: the path is not absolute`);
    const now = await regularFileState(path);
    if (!isSameState(now, state))
      throw new StoreError('blob_changed', `Adopting ${path}: the file is not the one that was hashed`, {
        data: { sha256, path },
      });
    this.index.putPlace({ sha256, sizeBytes: state.sizeBytes, place: 'adopted', path, state });
  }

  addRef(sha256: Sha256, holder: string): void {
    if (holder.length === 0 || holder.length > STORE_LIMITS.holderChars)
      throw new StoreError(
        'out_of_range',
        `Naming a use: ${holder.length} characters, wanted 1 to ${STORE_LIMITS.holderChars}`,
      );
    this.index.addRef(sha256, holder);
  }

  hold(sha256: Sha256): Disposable {
    this.#holds.set(sha256, (this.#holds.get(sha256) ?? 0) + 1);
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#release(sha256);
        isHeld = false;
      },
    };
  }

  isInUse(sha256: Sha256): boolean {
    return this.#holds.has(sha256) || this.index.isPinned(sha256) || this.index.refs(sha256).length > 0;
  }

  async collect(): Promise<CollectResult> {
    const removed = new Set<Sha256>();
    let freedBytes = 0;
    for (const place of this.index.allPlaces()) {
      // Asked for each anew: a use may come while others are deleted.
      if (this.isInUse(place.sha256)) continue;
      freedBytes += await this.#drop(place);
      removed.add(place.sha256);
    }
    return { freedBytes, removed: [...removed] };
  }

  async remove(sha256: Sha256): Promise<boolean> {
    if (this.isInUse(sha256))
      throw new StoreError('blob_in_use', `Removing blob ${sha256}: it is pinned, held or used`, {
        data: { sha256, holders: this.index.refs(sha256) },
      });
    const places = this.index.places(sha256);
    for (const place of places) await this.#drop(place);
    return places.length > 0;
  }

  ownedBytes(): number {
    return this.index
      .allPlaces()
      .filter(({ place }) => place === 'owned')
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  #release(sha256: Sha256): void {
    const others = (this.#holds.get(sha256) ?? 0) - 1;
    if (others > 0) this.#holds.set(sha256, others);
    else this.#holds.delete(sha256);
  }

  /** The row goes before the file, so that nobody is sent to a file that is being deleted. */
  async #drop(place: BlobPlace): Promise<number> {
    this.#forget(place);
    if (place.place === 'adopted') return 0;
    await this.#owned.delete(place);
    return place.sizeBytes;
  }

  async #lifeOf(place: BlobPlace): Promise<Life> {
    if (place.state === undefined) return (await this.#owned.isThere(place)) ? 'alive' : 'void';
    try {
      return isSameState(await regularFileState(place.path), place.state) ? 'alive' : 'void';
    } catch (thrown) {
      return thrown instanceof StoreError && thrown.code === 'io_failed' ? 'unknown' : 'void';
    }
  }

  #forget({ sha256, path }: BlobPlace): void {
    this.index.deletePlace(sha256, path);
  }
}

/** Follows links. Throws `blob_not_found`, `blob_changed` for what is no regular file, `io_failed`. */
async function regularFileState(path: string): Promise<FileState> {
  try {
    const stats = await stat(path, { bigint: true });
    if (stats.isFile()) return toFileState(stats);
  } catch (thrown) {
    if (!isAbsence(thrown)) throw toStoreError(`Asking for ${path}`, thrown);
    throw new StoreError('blob_not_found', `Asking for ${path}: there is no such file`, { cause: thrown });
  }
  throw new StoreError('blob_changed', `Asking for ${path}: it is not a regular file`);
}

/** True when a regular file of this size stands there itself (no link). */
export async function isOwnedFile({ path, sizeBytes }: BlobPlace): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isFile() === true && stats.size === sizeBytes;
}
