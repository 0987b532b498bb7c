/** A disk of its own that can be made full at a moment's notice: a tmpfs, where this user may mount one. */
import { execFile } from 'node:child_process';
import { mkdir, statfs } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export class SmallDisk implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Undefined where mounting is not permitted: for root only, and not in every container. */
  static async mount(folder: string, sizeBytes: number): Promise<SmallDisk | undefined> {
    await mkdir(folder, { recursive: true });
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=700`, 'tmpfs', folder]);
      return new SmallDisk(folder);
    } catch {
      return undefined;
    }
  }

  /** Nothing that is on it goes away. */
  async resize(sizeBytes: number): Promise<void> {
    await run('mount', ['-o', `remount,size=${sizeBytes}`, this.folder]);
  }

  /** So small that `spareBytes` are free. */
  async fill(spareBytes: number): Promise<void> {
    const { blocks, bfree, bsize } = await statfs(this.folder);
    await this.resize((blocks - bfree) * bsize + spareBytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('umount', [this.folder]);
  }
}
