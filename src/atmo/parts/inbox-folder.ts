/**
 * Where an inbox keeps what has come: `indexes/<digest>.json`, `parts/<sha256>` for parts that were verified, `incoming/<key>` for one that is being
 * copied. A name of a part says nothing here. Spec: docs/spec/21-packages.md §3.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isSha256, type Sha256 } from '../../core/index.ts';
import { AtmoError, toReadError, toWriteError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import { readPartsIndex } from '../source/recognise.ts';
import { encodePartsIndex, indexDigest, type PartFile, type PartsIndex } from './parts-index.ts';
import { writeWhole } from './write-whole.ts';

export interface KnownIndex {
  readonly id: Sha256;
  readonly index: PartsIndex;
}

export interface KeptPart {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
}

export class InboxFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async create(): Promise<void> {
    try {
      for (const name of ['indexes', 'parts', 'incoming'])
        await mkdir(join(this.#folder, name), { recursive: true, mode: 0o700 });
    } catch (thrown) {
      throw toWriteError(thrown, `Making the inbox ${this.#folder}`);
    }
  }

  partPath(sha256: Sha256): string {
    return join(this.#folder, 'parts', sha256);
  }

  /** What a part is copied to: the same for the same name and size, so that a copy goes on. */
  incomingPath(name: string, sizeBytes: number): string {
    const key = createHash('sha256').update(`${sizeBytes}\n${name}`).digest('hex');
    return join(this.#folder, 'incoming', key);
  }

  /** An index that is damaged on our disk counts as one that has not come. */
  async indexes(): Promise<KnownIndex[]> {
    const known: KnownIndex[] = [];
    for (const name of await this.#list('indexes')) {
      const index = await readPartsIndex(join(this.#folder, 'indexes', name)).catch(() => undefined);
      if (index !== undefined && `${indexDigest(index)}.json` === name) known.push({ id: indexDigest(index), index });
    }
    return known;
  }

  async addIndex(index: PartsIndex): Promise<KnownIndex> {
    const id = indexDigest(index);
    const known = await this.indexes();
    if (known.length >= ATMO_LIMITS.inboxPackages && !known.some((one) => one.id === id))
      throw new AtmoError(
        'too_large',
        `Taking ${index.packageName}: ${known.length} packages wait for parts already; discard one`,
      );
    await writeWhole(this.#indexPath(id), encodePartsIndex(index));
    return { id, index };
  }

  async removeIndex(id: Sha256): Promise<void> {
    await rm(this.#indexPath(id), { force: true });
  }

  async removePart(sha256: Sha256): Promise<void> {
    await rm(this.partPath(sha256), { force: true });
  }

  async removeIncoming({ name, sizeBytes }: PartFile): Promise<void> {
    await rm(this.incomingPath(name, sizeBytes), { force: true });
  }

  async parts(): Promise<KeptPart[]> {
    const kept: KeptPart[] = [];
    for (const name of (await this.#list('parts')).filter(isSha256)) {
      const sizeBytes = await sizeOf(this.partPath(name));
      if (sizeBytes !== undefined) kept.push({ sha256: name, sizeBytes });
    }
    return kept;
  }

  /** Makes room for one more copy: those that nobody went on with for longest are thrown away. */
  async limitIncoming(): Promise<void> {
    const aged: { readonly path: string; readonly changedMs: number }[] = [];
    for (const name of await this.#list('incoming')) {
      const path = join(this.#folder, 'incoming', name);
      aged.push({ path, changedMs: (await stat(path)).mtimeMs });
    }
    aged.sort((a, b) => b.changedMs - a.changedMs);
    for (const { path } of aged.slice(ATMO_LIMITS.incomingParts - 1)) await rm(path, { force: true });
  }

  #indexPath(id: Sha256): string {
    return join(this.#folder, 'indexes', `${id}.json`);
  }

  async #list(name: string): Promise<string[]> {
    try {
      return (await readdir(join(this.#folder, name))).sort();
    } catch (thrown) {
      throw toReadError(thrown, `Reading the inbox ${this.#folder}`);
    }
  }
}

/** Undefined where there is no file. */
export async function sizeOf(path: string): Promise<number | undefined> {
  return await stat(path).then(
    (stats) => (stats.isFile() ? stats.size : undefined),
    () => undefined,
  );
}
