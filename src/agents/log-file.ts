/**
 * What an agent writes: one file within a size, and the one before it. Owns no handle between two writes, so that a removed or moved file
 * is no trouble. What cannot be written (a full disk) is left out: an agent never stops for its log. Spec: docs/spec/23-agents.md §2.
 */
import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AGENTS_LIMITS } from './limits.ts';

export class LogFile {
  readonly path: string;
  #sizeBytes: number | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  /** Resolves when it is written, or left out: who awaits it before the next one reads no faster than the disk takes. */
  write(bytes: Uint8Array | string): Promise<void> {
    const content = Buffer.from(bytes as string);
    this.#last = this.#last.then(() => this.#append(content)).catch(() => {});
    return this.#last;
  }

  /** Resolves when nothing is being written. */
  settled(): Promise<void> {
    return this.#last;
  }

  async #append(bytes: Buffer): Promise<void> {
    this.#sizeBytes ??= await this.#open();
    if (this.#sizeBytes > 0 && this.#sizeBytes + bytes.length > AGENTS_LIMITS.logBytes) {
      await rename(this.path, `${this.path}.1`);
      this.#sizeBytes = 0;
    }
    await appendFile(this.path, bytes, { mode: 0o600 });
    this.#sizeBytes += bytes.length;
  }

  async #open(): Promise<number> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    return stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
  }
}
