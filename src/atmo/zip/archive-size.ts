/** How long an archive will be, to the byte, before any of it is written. Pure. Spec: docs/spec/21-packages.md §2. */
import { CENTRAL_BYTES, END_BYTES, END64_BYTES, LOCAL_BYTES, LOCATOR_BYTES, MAX_16, MAX_32 } from './records.ts';

export interface SizedPath {
  readonly path: string;
  readonly sizeBytes: number;
}

export function archiveSizeBytes(members: readonly SizedPath[]): number {
  let offset = 0;
  let directoryBytes = 0;
  for (const { path, sizeBytes } of members) {
    const nameBytes = Buffer.byteLength(path);
    const numbers = (sizeBytes >= MAX_32 ? 2 : 0) + (offset >= MAX_32 ? 1 : 0);
    directoryBytes += CENTRAL_BYTES + nameBytes + (numbers > 0 ? 4 + 8 * numbers : 0);
    offset += LOCAL_BYTES + nameBytes + (sizeBytes >= MAX_32 ? 20 : 0) + sizeBytes;
  }
  const needsZip64 = members.length >= MAX_16 || offset >= MAX_32 || directoryBytes >= MAX_32;
  return offset + directoryBytes + END_BYTES + (needsZip64 ? END64_BYTES + LOCATOR_BYTES : 0);
}
