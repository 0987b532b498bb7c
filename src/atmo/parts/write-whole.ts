/** A small file: all of it or nothing, on the medium when it resolves. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { partialOf, syncFolder } from '../copy/output-files.ts';
import { toWriteError } from '../errors.ts';
import type { WrittenFile } from '../ports.ts';

/** Throws AtmoError `unwritable`, `disk_full`. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<WrittenFile> {
  try {
    await rm(partialOf(path), { force: true });
    {
      await using file = await open(partialOf(path), 'wx');
      await file.writeFile(bytes);
      await file.sync();
    }
    await rename(partialOf(path), path);
    await syncFolder(dirname(path));
    return { path, sizeBytes: bytes.length };
  } catch (thrown) {
    await rm(partialOf(path), { force: true });
    throw toWriteError(thrown, `Writing ${path}`);
  }
}
