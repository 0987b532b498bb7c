/** Where things lie under the store's folder. Spec: docs/spec/06-store.md §1. */
import { mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isSha256, type Sha256 } from '../core/index.ts';
import { isAbsence } from './files.ts';

export class StoreFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  blobFolder(sha256: Sha256): string {
    return join(this.path, 'blobs', 'sha256', sha256.slice(0, 2));
  }

  blobPath(sha256: Sha256): string {
    return join(this.blobFolder(sha256), sha256);
  }

  partsFolder(): string {
    return join(this.path, 'parts');
  }

  partFolder(sha256: Sha256): string {
    return join(this.path, 'parts', sha256);
  }

  dataPath(sha256: Sha256): string {
    return join(this.partFolder(sha256), 'data');
  }

  journalPath(sha256: Sha256): string {
    return join(this.partFolder(sha256), 'journal');
  }

  async prepare(): Promise<void> {
    await mkdir(join(this.path, 'blobs', 'sha256'), { recursive: true });
    await mkdir(this.partsFolder(), { recursive: true });
  }

  /** Every file that stands where an owned blob would, with its size. */
  async blobFiles(): Promise<{ sha256: Sha256; path: string; sizeBytes: number }[]> {
    const found: { sha256: Sha256; path: string; sizeBytes: number }[] = [];
    const root = join(this.path, 'blobs', 'sha256');
    for (const prefix of await readdir(root)) {
      for (const name of await readdir(join(root, prefix)).catch(() => [])) {
        if (!isSha256(name) || !name.startsWith(prefix)) continue;
        const path = join(root, prefix, name);
        const stats = await stat(path);
        if (stats.isFile()) found.push({ sha256: name, path, sizeBytes: stats.size });
      }
    }
    return found;
  }

  async partNames(): Promise<Sha256[]> {
    return (await readdir(this.partsFolder())).filter((name): name is Sha256 => isSha256(name));
  }

  /** When its journal, which every piece is entered in, was last written. */
  async partTouchedMs(sha256: Sha256): Promise<number | undefined> {
    return (await stat(this.journalPath(sha256)).catch(() => undefined))?.mtimeMs;
  }

  async removeTemporaries(): Promise<void> {
    for (const name of await readdir(this.partsFolder())) {
      if (name.endsWith('.tmp')) await rm(join(this.partsFolder(), name), { force: true });
    }
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path);
    return bavail * bsize;
  }

  /** Bytes that a sparse part takes on the disk now. */
  async allocatedBytes(sha256: Sha256): Promise<number> {
    try {
      const stats = await stat(this.dataPath(sha256));
      return Math.min(stats.blocks * 512, stats.size);
    } catch (thrown) {
      if (isAbsence(thrown)) return 0;
      throw thrown;
    }
  }
}
