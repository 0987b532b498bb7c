/** Bytes that a difference is made of: a file, or a file of a package. */
import { type FileHandle, open } from 'node:fs/promises';
import { messageOf } from '../../core/index.ts';
import type { ByteSource } from '../../delta/index.ts';
import { PackingError } from '../errors.ts';
import type { Stock } from './stock.ts';

export interface OpenBytes extends ByteSource, AsyncDisposable {}

/** Throws PackingError `folder_unreadable`. */
export async function openFileBytes(path: string): Promise<OpenBytes> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const { size } = await handle.stat();
    const file = handle;
    return {
      sizeBytes: size,
      read: async (buffer, position) => (await file.read(buffer, 0, buffer.length, position)).bytesRead,
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (cause) {
    await handle?.close();
    throw new PackingError('folder_unreadable', `Reading ${path}: ${messageOf(cause)}`, { cause });
  }
}

export async function openStockBytes(stock: Stock, path: string): Promise<OpenBytes> {
  const content = stock.contentOf(path);
  if ('file' in content) return await openFileBytes(content.file);
  const sizeBytes = stock.sizeOf(path) ?? 0;
  return { sizeBytes, read: content.read.bind(content), async [Symbol.asyncDispose]() {} };
}
