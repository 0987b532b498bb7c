/** A file that says what is in others, whole, within its limit. */
import { open } from 'node:fs/promises';
import { messageOf } from '../../core/index.ts';
import { PROTOCOL_LIMITS } from '../../protocol/index.ts';
import { PackingError } from '../errors.ts';

/** Throws PackingError `folder_unreadable`. */
export async function readSmallFile(
  path: string,
  maxBytes: number = PROTOCOL_LIMITS.packageManifestBytes,
): Promise<Buffer> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > maxBytes) throw new Error(`it has ${size} bytes, wanted at most ${maxBytes}`);
    return await file.readFile();
  } catch (cause) {
    throw new PackingError('folder_unreadable', `Reading ${path}: ${messageOf(cause)}`, { cause, data: { path } });
  }
}
