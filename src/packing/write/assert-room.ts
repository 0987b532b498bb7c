/** Is there room for what is to be written, before hours are spent on writing it? Spec: docs/spec/21-packages.md §13. */
import { mkdir, statfs } from 'node:fs/promises';
import { AtmoError, FAT32_FILE_BYTES } from '../../atmo/index.ts';
import { formatBytes, messageOf, systemCodeOf } from '../../core/index.ts';

/** What statfs says of FAT. */
const FAT = 0x4d44;

export interface Room {
  /** Of all files together. */
  readonly sizeBytes: number;
  readonly largestBytes: number;
}

/** Makes the folder where it is not. Throws AtmoError `disk_full`, `unwritable`. */
export async function assertRoom(folder: string, { sizeBytes, largestBytes }: Room): Promise<void> {
  const { freeBytes, isFat } = await look(folder);
  if (isFat && largestBytes > FAT32_FILE_BYTES)
    throw new AtmoError(
      'disk_full',
      `Writing to ${folder}: a file of ${formatBytes(largestBytes)} is more than its file system (FAT) takes; add --split 4GiB`,
    );
  if (freeBytes >= sizeBytes) return;
  throw new AtmoError(
    'disk_full',
    `Writing to ${folder}: ${formatBytes(sizeBytes)} are needed, ${formatBytes(freeBytes)} are free`,
    { data: { neededBytes: sizeBytes, freeBytes } },
  );
}

async function look(folder: string): Promise<{ freeBytes: number; isFat: boolean }> {
  try {
    await mkdir(folder, { recursive: true });
    const { bavail, bsize, type } = await statfs(folder);
    return { freeBytes: bavail * bsize, isFat: type === FAT };
  } catch (cause) {
    throw new AtmoError('unwritable', `Writing to ${folder}: ${messageOf(cause)}`, {
      cause,
      data: { system: systemCodeOf(cause) },
    });
  }
}
