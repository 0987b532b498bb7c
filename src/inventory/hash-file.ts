/**
 * Reads a file once: whole SHA-256 and the BLAKE3 of each piece. One buffer is filled while the other is hashed. The
 * state is compared before the first and after the last byte, so a digest never names bytes of two states.
 * Spec: docs/spec/08-inventory.md §8.1, §8.2.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { PieceListHasher } from '../content/index.ts';
import type { Sha256 } from '../core/index.ts';
import { fingerprintFile, isSameState, toFingerprint } from './file-state.ts';
import { INVENTORY_LIMITS } from './limits.ts';
import type { FileFingerprint, FileHashes } from './ports.ts';

/** Called after every chunk; may wait (rate, suspension) and throws to stop. */
export type OnChunk = (doneBytes: number) => Promise<void>;

/** Undefined where the file is not, or does not stay, in the given state. Throws system errors. */
export async function hashFile(file: FileFingerprint, onChunk: OnChunk): Promise<FileHashes | undefined> {
  const handle = await open(file.path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await isInState(handle, file))) return undefined;
    const hashes = await readThrough(handle, file.sizeBytes, onChunk);
    if (hashes === undefined || !(await isInState(handle, file))) return undefined;
    const now = await fingerprintFile(file.path);
    return now !== undefined && isSameState(now, file) ? hashes : undefined;
  } finally {
    await handle.close();
  }
}

async function isInState(handle: FileHandle, file: FileFingerprint): Promise<boolean> {
  const stats = await handle.stat({ bigint: true });
  return stats.isFile() && isSameState(toFingerprint(file.path, stats), file);
}

async function readThrough(handle: FileHandle, sizeBytes: number, onChunk: OnChunk): Promise<FileHashes | undefined> {
  const whole = createHash('sha256');
  const pieces = new PieceListHasher(sizeBytes);
  const bufferBytes = Math.max(1, Math.min(INVENTORY_LIMITS.hashBufferBytes, sizeBytes));
  let filling = Buffer.allocUnsafeSlow(bufferBytes);
  let spare = Buffer.allocUnsafeSlow(bufferBytes);
  let position = 0;
  let reading = startRead(handle, filling, position);
  while (position < sizeBytes) {
    const { bytesRead } = await reading;
    if (bytesRead === 0) return undefined;
    position += bytesRead;
    const chunk = filling.subarray(0, bytesRead);
    [filling, spare] = [spare, filling];
    reading = startRead(handle, filling, position);
    try {
      whole.update(chunk);
      pieces.update(chunk);
      await onChunk(position);
    } catch (thrown) {
      await reading.catch(() => undefined);
      throw thrown;
    }
  }
  // A file that has grown has another state; the check after reading sees it.
  await reading;
  return { sha256: whole.digest('hex') as Sha256, pieceHashes: pieces.digest().hashes };
}

/** The failure of a read ahead is met when it is awaited, not before. */
function startRead(handle: FileHandle, buffer: Buffer, position: number) {
  const reading = handle.read(buffer, 0, buffer.length, position);
  reading.catch(() => undefined);
  return reading;
}
