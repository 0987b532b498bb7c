/** The state of a file by which its hash is remembered. Spec: docs/spec/08-inventory.md §1.2. */
import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { FileFingerprint } from './ports.ts';

/** `path` must be the real path. Undefined for what is no regular file. Throws system errors. */
export async function fingerprintFile(path: string): Promise<FileFingerprint | undefined> {
  const stats = await stat(path, { bigint: true });
  return stats.isFile() ? toFingerprint(path, stats) : undefined;
}

export function toFingerprint(path: string, stats: BigIntStats): FileFingerprint {
  return {
    path,
    sizeBytes: Number(stats.size),
    mtimeNs: stats.mtimeNs,
    inode: stats.ino,
    device: stats.dev,
  };
}

export function isSameState(a: FileFingerprint, b: FileFingerprint): boolean {
  const isSameFile = a.path === b.path && a.inode === b.inode && a.device === b.device;
  return isSameFile && a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs;
}

/** A string that is equal exactly for equal states. */
export function stateKey(file: FileFingerprint): string {
  return `${file.sizeBytes}/${file.mtimeNs}/${file.inode}/${file.device}/${file.path}`;
}
