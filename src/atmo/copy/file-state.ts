/** Whether a file is still the one that was looked at: device, number, size and time of its content. Pure. */
import type { BigIntStats } from 'node:fs';

export interface FileState {
  readonly device: bigint;
  readonly number: bigint;
  readonly sizeBytes: number;
  readonly changedNs: bigint;
}

export function toFileState(stats: BigIntStats): FileState {
  return { device: stats.dev, number: stats.ino, sizeBytes: Number(stats.size), changedNs: stats.mtimeNs };
}

export function isSameFileState(one: FileState, other: FileState): boolean {
  return (
    one.device === other.device &&
    one.number === other.number &&
    one.sizeBytes === other.sizeBytes &&
    one.changedNs === other.changedNs
  );
}
