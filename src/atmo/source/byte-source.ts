/** Bytes that lie in one file or in several, read from anywhere. A port and its two forms. Spec: docs/spec/21-packages.md §3. */
import type { FileHandle } from 'node:fs/promises';
import { openRegularFile } from '../copy/open-content.ts';
import { toReadError } from '../errors.ts';
import type { ReadableBytes } from '../ports.ts';
import { OpenFiles } from './open-files.ts';

export interface ByteSource extends ReadableBytes, AsyncDisposable {
  /** For people. */
  readonly name: string;
  readonly sizeBytes: number;
}

/** One regular file. */
export class FileBytes implements ByteSource {
  readonly name: string;
  readonly sizeBytes: number;
  readonly #handle: FileHandle;

  private constructor(name: string, sizeBytes: number, handle: FileHandle) {
    this.name = name;
    this.sizeBytes = sizeBytes;
    this.#handle = handle;
  }

  /** Throws AtmoError `unreadable`, `unsafe_member`. */
  static async open(path: string): Promise<FileBytes> {
    const handle = await openRegularFile(path, `Opening ${path}`);
    try {
      return new FileBytes(path, (await handle.stat()).size, handle);
    } catch (thrown) {
      await handle.close();
      throw toReadError(thrown, `Opening ${path}`);
    }
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    let filled = 0;
    try {
      while (filled < buffer.length) {
        const { bytesRead } = await this.#handle.read(buffer, filled, buffer.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } catch (thrown) {
      throw toReadError(thrown, `Reading ${this.name}`);
    }
    return filled;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

export interface Slice {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Files that follow each other, read as one without a copy. A few of them are open at a time. */
export class JoinedBytes implements ByteSource {
  readonly name: string;
  readonly sizeBytes: number;
  readonly #slices: readonly PlacedSlice[];
  readonly #files = new OpenFiles((path) => FileBytes.open(path));

  constructor(name: string, slices: readonly Slice[]) {
    this.name = name;
    this.#slices = placeSlices(slices);
    this.sizeBytes = this.#slices.at(-1)?.end ?? 0;
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    let filled = 0;
    for (const { path, start, end } of this.#slices) {
      const at = position + filled;
      if (at >= end) continue;
      if (filled === buffer.length) break;
      const wanted = buffer.subarray(filled, filled + Math.min(buffer.length - filled, end - at));
      const count = await this.#files.use(path, (file) => file.read(wanted, at - start));
      filled += count;
      if (count < wanted.length) break;
    }
    return filled;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }
}

interface PlacedSlice {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

function placeSlices(slices: readonly Slice[]): PlacedSlice[] {
  let end = 0;
  return slices.map(({ path, sizeBytes }) => {
    const start = end;
    end += sizeBytes;
    return { path, start, end };
  });
}
