/** The data of a part, opened to be read along. Spec: docs/spec/06-store.md §8. */
import { close, constants, open } from 'node:fs';
import { promisify } from 'node:util';
import { toStoreError } from './errors.ts';
import { isAbsence, readFully } from './files.ts';
import type { PartFile } from './part-share.ts';

const openFd = promisify(open);
const closeFd = promisify(close);

export async function openIfThere(path: string): Promise<number | undefined> {
  try {
    return await openFd(path, constants.O_RDONLY);
  } catch (thrown) {
    if (isAbsence(thrown)) return undefined;
    throw toStoreError(`Opening ${path} to read along`, thrown);
  }
}

/** Takes over the descriptor. */
export function partFileOf(fd: number): PartFile {
  return { read: (buffer, position) => readFully(fd, buffer, position), close: () => closeFd(fd) };
}
