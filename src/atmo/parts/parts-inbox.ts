/**
 * Where the parts of packages come together, in any order, over days, from whatever stick. A part is taken by its SHA-256, never by its name: what
 * lies in `parts/` was read back from this disk and has that digest. One that comes before its index waits, within bounds. One process has an
 * inbox at a time; it takes one file after the other. After a crash a copy goes on, or is thrown away. Spec: docs/spec/21-packages.md §3.
 */
import { lstat, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Sha256 } from '../../core/index.ts';
import { syncFolder } from '../copy/output-files.ts';
import { AtmoError, toReadError, toWriteError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import type { PackageSource } from '../ports.ts';
import { openParts } from '../source/open-package-source.ts';
import { isIndex, readHead, readPartsIndex } from '../source/recognise.ts';
import { copyPart } from './copy-part.ts';
import { InboxFolder, type KeptPart, type KnownIndex, sizeOf } from './inbox-folder.ts';
import type { PartFile } from './parts-index.ts';
import { type WaitingPackage, waitingPackage } from './waiting-package.ts';

export interface AcceptOptions {
  /** Bytes copied, and read again of a copy that goes on, since the last call. */
  readonly onBytes?: (byteCount: number) => void;
  readonly signal?: AbortSignal;
}

export interface Accepted {
  readonly kind: 'index' | 'part';
  /** The part's digest, or the index's. */
  readonly id: Sha256;
  /** It was here before; nothing was copied. */
  readonly wasHere: boolean;
  /** Those that it belongs to, as they are now; none for a part whose index has not come. */
  readonly packages: readonly WaitingPackage[];
}

export interface InboxStatus {
  readonly packages: readonly WaitingPackage[];
  /** Parts whose index has not come. */
  readonly unclaimed: readonly KeptPart[];
}

export class PartsInbox {
  readonly #folder: InboxFolder;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(folder: InboxFolder) {
    this.#folder = folder;
  }

  /** Throws AtmoError `unwritable`. */
  static async open(folder: string): Promise<PartsInbox> {
    const kept = new InboxFolder(folder);
    await kept.create();
    return new PartsInbox(kept);
  }

  /** Takes a part or an index. Throws AtmoError `part_altered`, `bad_index`, `too_large`, `unsafe_member`, `unreadable`, `disk_full`, `cancelled`. */
  accept(path: string, options: AcceptOptions = {}): Promise<Accepted> {
    return this.#inTurn(() => this.#accept(path, options));
  }

  async status(): Promise<InboxStatus> {
    const [indexes, parts] = [await this.#folder.indexes(), await this.#folder.parts()];
    const claimed = new Set(indexes.flatMap(({ index }) => index.parts.map(({ sha256 }) => sha256)));
    return {
      packages: await this.#waiting(indexes),
      unclaimed: parts.filter(({ sha256 }) => !claimed.has(sha256)),
    };
  }

  /** `id` as `status` tells it. Throws AtmoError `parts_missing`. */
  async openPackage(id: Sha256): Promise<PackageSource> {
    const { index } = await this.#known(id);
    return await openParts(
      index,
      index.parts.map((part) => ({ part, path: this.#folder.partPath(part.sha256) })),
    );
  }

  /** Forgets a package, and the parts that no other needs. */
  discard(id: Sha256): Promise<void> {
    return this.#inTurn(async () => {
      const { index } = await this.#known(id);
      await this.#folder.removeIndex(id);
      const needed = new Set(
        (await this.#folder.indexes()).flatMap((other) => other.index.parts.map(({ sha256 }) => sha256)),
      );
      for (const part of index.parts) {
        await this.#folder.removeIncoming(part);
        if (!needed.has(part.sha256)) await this.#folder.removePart(part.sha256);
      }
    });
  }

  discardUnclaimed(): Promise<void> {
    return this.#inTurn(async () => {
      for (const { sha256 } of (await this.status()).unclaimed) await this.#folder.removePart(sha256);
    });
  }

  async #accept(path: string, options: AcceptOptions): Promise<Accepted> {
    const sizeBytes = await sizeOfFile(path);
    if (!isIndex(await readHead(path))) return await this.#acceptPart(path, sizeBytes, options);
    const index = await readPartsIndex(path);
    const before = await this.#folder.indexes();
    const known = await this.#folder.addIndex(index);
    const wasHere = before.some(({ id }) => id === known.id);
    return { kind: 'index', id: known.id, wasHere, packages: await this.#waiting([known]) };
  }

  async #acceptPart(path: string, sizeBytes: number, options: AcceptOptions): Promise<Accepted> {
    const indexes = await this.#folder.indexes();
    const claims = indexes.flatMap(({ index }) => index.parts).filter(({ name }) => name === basename(path));
    assertRightSize(path, sizeBytes, claims);
    const here = await this.#allHere(claims);
    if (here !== undefined) return await this.#accepted(here, indexes, true);
    if (claims.length === 0) await this.#assertRoom(path, sizeBytes);
    const sha256 = await this.#take(path, sizeBytes, claims, indexes, options);
    return await this.#accepted(sha256, indexes, false);
  }

  /** Copies, verifies, and gives it its name, in this order. */
  async #take(
    path: string,
    sizeBytes: number,
    claims: readonly PartFile[],
    indexes: readonly KnownIndex[],
    options: AcceptOptions,
  ): Promise<Sha256> {
    await this.#folder.limitIncoming();
    const to = this.#folder.incomingPath(basename(path), sizeBytes);
    const isWanted = (sha256: Sha256) =>
      claims.length === 0 || indexes.some(({ index }) => index.parts.some((part) => part.sha256 === sha256));
    const order = { from: path, to, sizeBytes, ...options };
    let copied = await copyPart({ ...order, goesOn: claims.length > 0 });
    if (!isWanted(copied.sha256) && copied.resumedBytes > 0) copied = await copyPart({ ...order, goesOn: false });
    if (!isWanted(copied.sha256)) {
      await rm(to, { force: true });
      throw altered(path, claims, copied.sha256);
    }
    try {
      await rename(to, this.#folder.partPath(copied.sha256));
      await syncFolder(dirname(this.#folder.partPath(copied.sha256)));
    } catch (thrown) {
      throw toWriteError(thrown, `Keeping ${path}`);
    }
    return copied.sha256;
  }

  async #accepted(sha256: Sha256, indexes: readonly KnownIndex[], wasHere: boolean): Promise<Accepted> {
    const owners = indexes.filter(({ index }) => index.parts.some((part) => part.sha256 === sha256));
    return { kind: 'part', id: sha256, wasHere, packages: await this.#waiting(owners) };
  }

  /** A name that was answered in every index needs no more copies. */
  async #allHere(claims: readonly PartFile[]): Promise<Sha256 | undefined> {
    for (const { sha256, sizeBytes } of claims)
      if ((await sizeOf(this.#folder.partPath(sha256))) !== sizeBytes) return undefined;
    return claims[0]?.sha256;
  }

  async #assertRoom(path: string, sizeBytes: number): Promise<void> {
    const { unclaimed } = await this.status();
    const bytes = unclaimed.reduce((sum, part) => sum + part.sizeBytes, sizeBytes);
    if (unclaimed.length < ATMO_LIMITS.unclaimedParts && bytes <= ATMO_LIMITS.unclaimedBytes) return;
    throw new AtmoError(
      'too_large',
      `Taking ${path}: ${unclaimed.length} parts wait for their index already; bring the .parts.json first`,
    );
  }

  async #waiting(indexes: readonly KnownIndex[]): Promise<WaitingPackage[]> {
    return await Promise.all(indexes.map((known) => waitingPackage(known, this.#folder)));
  }

  async #known(id: Sha256): Promise<KnownIndex> {
    const known = (await this.#folder.indexes()).find((one) => one.id === id);
    if (known !== undefined) return known;
    throw new AtmoError('parts_missing', `Opening a package of the inbox: no index ${id} has come`, {
      data: { parts: [] },
    });
  }

  #inTurn<Answer>(doIt: () => Promise<Answer>): Promise<Answer> {
    const done = this.#turn.then(doIt);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

async function sizeOfFile(path: string): Promise<number> {
  const stats = await lstat(path).catch((thrown) => {
    throw toReadError(thrown, `Taking ${path}`);
  });
  if (!stats.isFile())
    throw new AtmoError('unsafe_member', `Taking ${path}: it is a link or no file`, { data: { file: path } });
  if (stats.size > 0 && stats.size <= ATMO_LIMITS.maxPartBytes) return stats.size;
  throw new AtmoError('part_altered', `Taking ${path}: ${stats.size} bytes, which no part has`, {
    data: { actual: stats.size },
  });
}

function assertRightSize(path: string, sizeBytes: number, claims: readonly PartFile[]): void {
  if (claims.length === 0 || claims.some((claim) => claim.sizeBytes === sizeBytes)) return;
  const expected = claims[0]?.sizeBytes ?? 0;
  const fault = sizeBytes < expected ? 'it was not copied whole' : 'it is not the part of the index that is here';
  throw new AtmoError('part_altered', `Taking ${path}: ${sizeBytes} of ${expected} bytes; ${fault}`, {
    data: { expected, actual: sizeBytes },
  });
}

function altered(path: string, claims: readonly PartFile[], actual: Sha256): AtmoError {
  const expected = claims[0]?.sha256;
  return new AtmoError(
    'part_altered',
    `Taking ${path}: its SHA-256 is ${actual}, wanted ${expected}; if the package was made anew, bring its index first`,
    {
      data: { expected, actual },
    },
  );
}
