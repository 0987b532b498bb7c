/**
 * The bytes of what becomes a file of a package. A file on disk is opened without following a link or waiting for a pipe, and is the same
 * before and after it was read. Spec: docs/spec/21-packages.md §2.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { systemCodeOf } from '../../core/index.ts';
import { AtmoError, toReadError } from '../errors.ts';
import type { MemberToWrite, ReadableBytes } from '../ports.ts';
import { type FileState, isSameFileState, toFileState } from './file-state.ts';

export interface OpenedContent extends ReadableBytes {
  /** Throws AtmoError `changed` where the file is not what it was when it was opened. */
  close(): Promise<void>;
}

const NO_LINKS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

export async function openContent({ content, sizeBytes, path }: MemberToWrite): Promise<OpenedContent> {
  if (content instanceof Uint8Array) return memoryContent(content, sizeBytes, path);
  if ('file' in content) return FileContent.open(content.file, sizeBytes, path);
  return { read: (buffer, position) => content.read(buffer, position), close: async () => {} };
}

function memoryContent(bytes: Uint8Array, sizeBytes: number, path: string): OpenedContent {
  if (bytes.length !== sizeBytes)
    throw new AtmoError('digest_mismatch', `Packing ${path}: ${bytes.length} bytes, wanted ${sizeBytes}`);
  const read = async (buffer: Buffer, position: number) => {
    const some = bytes.subarray(position, position + buffer.length);
    buffer.set(some);
    return some.length;
  };
  return { read, close: async () => {} };
}

/** A regular file that is no link. Throws AtmoError `unsafe_member`, `unreadable`. */
export async function openRegularFile(file: string, doing: string): Promise<FileHandle> {
  try {
    const handle = await open(file, NO_LINKS);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
  } catch (thrown) {
    if (systemCodeOf(thrown) !== 'ELOOP' && systemCodeOf(thrown) !== 'ENXIO') throw toReadError(thrown, doing);
  }
  throw new AtmoError('unsafe_member', `${doing}: ${file} is a link or no file`, { data: { file } });
}

class FileContent implements OpenedContent {
  readonly #handle: FileHandle;
  readonly #state: FileState;
  readonly #file: string;

  private constructor(handle: FileHandle, state: FileState, file: string) {
    this.#handle = handle;
    this.#state = state;
    this.#file = file;
  }

  static async open(file: string, sizeBytes: number, path: string): Promise<FileContent> {
    const handle = await openRegularFile(file, `Packing ${path}`);
    const state = toFileState(await handle.stat({ bigint: true }));
    if (state.sizeBytes === sizeBytes) return new FileContent(handle, state, file);
    await handle.close();
    throw new AtmoError('changed', `Packing ${path}: ${file} has ${state.sizeBytes} bytes, not ${sizeBytes}`);
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    try {
      return (await this.#handle.read(buffer, 0, buffer.length, position)).bytesRead;
    } catch (thrown) {
      throw toReadError(thrown, `Reading ${this.#file}`);
    }
  }

  async close(): Promise<void> {
    try {
      const now = toFileState(await this.#handle.stat({ bigint: true }));
      if (isSameFileState(now, this.#state)) return;
    } finally {
      await this.#handle.close();
    }
    throw new AtmoError('changed', `Reading ${this.#file}: it changed while it was read`);
  }
}
