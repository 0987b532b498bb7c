/** How large the parts of a package are, as people say it. Pure. Spec: docs/spec/21-packages.md §3. */
import { MiB } from '../../core/index.ts';
import { AtmoError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';

/** The largest file of FAT32. */
export const FAT32_FILE_BYTES = 2 ** 32 - 1;
/** A DVD+R has 2,295,104 sectors of 2,048 bytes; 16 MiB of them are left to its file system. */
export const DVD_PART_BYTES = 2_295_104 * 2_048 - 16 * MiB;

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** `4GiB` is one byte less, so that it fits FAT32. Throws AtmoError `bad_part_size`. */
export function parsePartSize(text: string): number {
  if (text.trim().toLowerCase() === 'dvd') return DVD_PART_BYTES;
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s*([kmgt]?i?b?)$/i.exec(text.trim());
  const unit = UNITS[(match?.[2] ?? '?').toLowerCase()];
  if (match === null || unit === undefined) throw bad(text, 'it is no size like 4GiB, 700MB or dvd');
  const bytes = Math.floor(Number(match[1]) * unit);
  if (bytes === FAT32_FILE_BYTES + 1) return FAT32_FILE_BYTES;
  if (bytes < ATMO_LIMITS.minPartBytes) throw bad(text, 'parts have at least 1MiB');
  if (bytes > ATMO_LIMITS.maxPartBytes) throw bad(text, 'parts have at most 1TiB');
  return bytes;
}

function bad(text: string, why: string): AtmoError {
  return new AtmoError('bad_part_size', `Reading the size of parts: ${JSON.stringify(text.slice(0, 40))}: ${why}`);
}
