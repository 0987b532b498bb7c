/**
 * Reads headers and small texts of found files, each state once: the answer is remembered by fingerprint, the oldest
 * forgotten first. Nothing here throws for what is in a file. Spec: docs/spec/08-inventory.md §6.3.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type DescribedFile, describeModelFile, type HeaderSource } from '../formats/index.ts';
import { stateKey } from './file-state.ts';
import { INVENTORY_LIMITS } from './limits.ts';
import type { FileFingerprint } from './ports.ts';

export class DescriptionMemory {
  readonly #known = new Map<string, unknown>();

  /** Header first, then the name. Throws system errors. */
  async describe(file: FileFingerprint, fileName: string): Promise<DescribedFile> {
    return await this.#remember(`header/${fileName}/${stateKey(file)}`, () =>
      withFile(file, (source) => describeModelFile(source, fileName)),
    );
  }

  /** What `parse` makes of a small file's bytes; undefined for a file over `mostBytes`. Throws what `parse` throws. */
  async parse<Result>(
    file: FileFingerprint,
    what: string,
    mostBytes: number,
    parse: (bytes: Buffer) => Result,
  ): Promise<Result | undefined> {
    if (file.sizeBytes > mostBytes) return undefined;
    return await this.#remember(`${what}/${stateKey(file)}`, () =>
      withFile(file, async (source) => parse(await readAll(source))),
    );
  }

  async #remember<Result>(key: string, read: () => Promise<Result>): Promise<Result> {
    if (this.#known.has(key)) return this.#known.get(key) as Result;
    const result = await read();
    this.#known.set(key, result);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= INVENTORY_LIMITS.rememberedDescriptions) break;
      this.#known.delete(oldest);
    }
    return result;
  }
}

/** Not blocking, should a fifo have taken the file's place since it was looked at. */
async function withFile<Result>(
  file: FileFingerprint,
  use: (source: HeaderSource) => Promise<Result>,
): Promise<Result> {
  const handle = await open(file.path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return await use(fileSource(handle, file.sizeBytes));
  } finally {
    await handle.close();
  }
}

function fileSource(handle: FileHandle, sizeBytes: number): HeaderSource {
  return {
    sizeBytes,
    read: async (buffer, position) => (await handle.read(buffer, 0, buffer.length, position)).bytesRead,
  };
}

async function readAll(source: HeaderSource): Promise<Buffer> {
  const bytes = Buffer.alloc(source.sizeBytes);
  return bytes.subarray(0, await source.read(bytes, 0));
}
