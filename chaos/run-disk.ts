/** A disk of a run's own, with room for the blob and little more, so that it can be filled to the last byte. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SmallDisk } from '../e2e/small-disk.ts';
import { MiB } from '../src/core/index.ts';

const SPARE_BYTES = 4 * MiB;

export class RunDisk implements AsyncDisposable {
  readonly #disk: SmallDisk;

  private constructor(disk: SmallDisk) {
    this.#disk = disk;
  }

  static async mount(folder: string, sizeBytes: number): Promise<RunDisk | undefined> {
    const disk = await SmallDisk.mount(folder, sizeBytes + SPARE_BYTES);
    return disk === undefined ? undefined : new RunDisk(disk);
  }

  get folder(): string {
    return this.#disk.folder;
  }

  /** Takes away what filled it. */
  async clear(): Promise<void> {
    await rm(join(this.folder, 'filler'), { force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#disk[Symbol.asyncDispose]();
  }
}
