/**
 * Differences between what a site has and what it is to get, in a folder of their own beside the output until they are packed. Where the
 * whole is the smaller one there is none. Spec: docs/spec/21-packages.md §14, 22-differences.md.
 */
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AtmoError } from '../../atmo/index.ts';
import { messageOf, type Sha256, systemCodeOf } from '../../core/index.ts';
import { makeDifference } from '../../delta/index.ts';
import type { PackageMember } from '../../protocol/index.ts';
import { PACKING_LIMITS } from '../limits.ts';
import { type OnProgress, ProgressMeter } from '../write/progress.ts';
import { openFileBytes, openStockBytes } from './open-bytes.ts';
import type { Stock } from './stock.ts';

export interface WantedDifference {
  readonly member: PackageMember;
  readonly base: Sha256;
  /** Where the base lies here. */
  readonly baseFile: string;
}

export interface PackedDifference extends WantedDifference {
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

export interface DifferenceWork {
  readonly stock: Stock;
  readonly folder: string;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Those that are worth it. Throws PackingError, AtmoError, DeltaError. */
export async function makeDifferences(
  wanted: readonly WantedDifference[],
  { stock, folder, onProgress, signal }: DifferenceWork,
): Promise<PackedDifference[]> {
  const large = wanted.filter(({ member }) => member.sizeBytes >= PACKING_LIMITS.differenceFromBytes);
  const totalBytes = large.reduce((sum, { member }) => sum + member.sizeBytes, 0);
  const meter = new ProgressMeter('comparing', totalBytes, onProgress);
  await rm(folder, { recursive: true, force: true });
  if (large.length > 0) await mkdir(folder, { recursive: true }).catch((thrown) => rethrow(thrown, folder));
  const made: PackedDifference[] = [];
  for (const [index, one] of large.entries()) {
    const packed = await makeOne(one, { stock, file: join(folder, `${index}.delta`), meter, signal });
    if (packed !== undefined) made.push(packed);
  }
  return made;
}

interface OneWork {
  readonly stock: Stock;
  readonly file: string;
  readonly meter: ProgressMeter;
  readonly signal: AbortSignal | undefined;
}

async function makeOne(wanted: WantedDifference, { stock, file, meter, signal }: OneWork) {
  const { member, base, baseFile } = wanted;
  await using before = await openFileBytes(baseFile);
  await using after = await openStockBytes(stock, member.path);
  await using output = await open(file, 'w');
  let doneBytes = 0;
  const made = await makeDifference({
    base: { sha256: base, bytes: before },
    target: { sha256: member.sha256, bytes: after },
    output: { write: (bytes) => writeAll(output, bytes, file) },
    onProgress: (now) => {
      meter.add(now - doneBytes);
      doneBytes = now;
    },
    ...(signal === undefined ? {} : { signal }),
  });
  meter.add(member.sizeBytes - doneBytes);
  if (made.outcome === 'made') return { ...wanted, file, sizeBytes: made.sizeBytes, sha256: made.sha256 };
  await rm(file, { force: true });
  return undefined;
}

async function writeAll(output: Awaited<ReturnType<typeof open>>, bytes: Buffer, file: string): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await output.write(bytes, at).catch((thrown) => rethrow(thrown, file))).bytesWritten;
}

function rethrow(cause: unknown, path: string): never {
  const system = systemCodeOf(cause);
  const code = system === 'ENOSPC' || system === 'EDQUOT' ? 'disk_full' : 'unwritable';
  throw new AtmoError(code, `Writing ${path}: ${messageOf(cause)}`, { cause, data: { system } });
}
