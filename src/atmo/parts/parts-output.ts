/**
 * Writes an archive in slices as it comes, so that there is no second copy, and their index when all of it lies there. The slices are read back
 * for their digests: a header in the first may have been completed when the last was written. Spec: docs/spec/21-packages.md §3.
 */
import { basename, dirname, join } from 'node:path';
import { formatBytes, type Sha256 } from '../../core/index.ts';
import type { Copier } from '../copy/copier.ts';
import { assertFree, OutputFiles, partialOf } from '../copy/output-files.ts';
import { AtmoError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import type { WrittenFile } from '../ports.ts';
import { FileBytes } from '../source/byte-source.ts';
import { encodePartsIndex, indexName, type PartFile, partName } from './parts-index.ts';
import { writeWhole } from './write-whole.ts';

/** Throws AtmoError `bad_part_size`. */
export function partsOutput(path: string, partBytes: number, replaces: boolean): OutputFiles {
  const { minPartBytes, maxPartBytes, parts } = ATMO_LIMITS;
  if (!Number.isSafeInteger(partBytes) || partBytes < minPartBytes || partBytes > maxPartBytes)
    throw new AtmoError(
      'bad_part_size',
      `Splitting ${path}: parts of ${partBytes} bytes, wanted ${formatBytes(minPartBytes)} to ${formatBytes(maxPartBytes)}`,
    );
  const nameOf = (index: number) => join(dirname(path), partName(basename(path), index));
  return new OutputFiles({ nameOf, sliceBytes: partBytes, maxSlices: parts, replaces });
}

export interface IndexToWrite {
  /** Of the archive that the slices make. */
  readonly path: string;
  readonly partBytes: number;
  readonly replaces: boolean;
  /** All of it written and synced. */
  readonly output: OutputFiles;
  readonly copier: Copier;
  readonly manifestSha256: Sha256 | undefined;
  readonly onReadBack: ((byteCount: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The index gets its name last, by `publish`. */
export async function writePartsIndex(order: IndexToWrite): Promise<{ publish(): Promise<WrittenFile> }> {
  const { path, partBytes, replaces, output, manifestSha256 } = order;
  if (manifestSha256 === undefined)
    throw new AtmoError('not_a_package', `Splitting ${path}: it has no manifest.yaml, which the index of parts names`);
  const parts: PartFile[] = [];
  for (let index = 0; index < output.count; index += 1) parts.push(await digestPart(order, index));
  const packageName = basename(path);
  const bytes = encodePartsIndex({ packageName, sizeBytes: output.sizeBytes, partBytes, manifestSha256, parts });
  const target = join(dirname(path), indexName(packageName));
  await assertFree(target, replaces);
  return { publish: () => writeWhole(target, bytes) };
}

async function digestPart({ output, copier, onReadBack, signal }: IndexToWrite, index: number): Promise<PartFile> {
  const path = output.nameOf(index);
  await using from = await FileBytes.open(partialOf(path));
  const { sizeBytes } = from;
  const onBytes = (byteCount: number) => onReadBack?.(byteCount);
  const { sha256 } = await copier.copy({ doing: `Reading back ${path}`, sizeBytes, from, onBytes, signal });
  return { name: basename(path), sizeBytes, sha256 };
}
