/**
 * Copies one part into an inbox and tells its digest. A copy that was broken off goes on where it ended; its bytes are hashed again from our
 * own disk, so the digest is that of what lies here, whatever the stick did. Spec: docs/spec/21-packages.md §3.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { KiB, type Sha256 } from '../../core/index.ts';
import { Copier } from '../copy/copier.ts';
import { type OpenedContent, openContent } from '../copy/open-content.ts';
import { toWriteError } from '../errors.ts';
import type { ReadableBytes } from '../ports.ts';
import { sizeOf } from './inbox-folder.ts';

export interface PartToCopy {
  readonly from: string;
  readonly to: string;
  readonly sizeBytes: number;
  /** Whether what lies at `to` may be the beginning of it. */
  readonly goesOn: boolean;
  readonly onBytes?: (byteCount: number) => void;
  readonly signal?: AbortSignal;
}

export interface CopiedPart {
  readonly sha256: Sha256;
  /** How much of it lay here before. */
  readonly resumedBytes: number;
}

/** What lies at `to` afterwards is on our disk. Throws AtmoError; what was copied by then is kept. */
export async function copyPart(part: PartToCopy): Promise<CopiedPart> {
  const { from, to, sizeBytes } = part;
  const content = await openContent({ path: from, sizeBytes, content: { file: from } });
  const copier = new Copier();
  try {
    await using file = await openCopy(to);
    const resumedBytes = part.goesOn ? await bytesToKeep(file, content, part) : 0;
    await file.truncate(resumedBytes);
    const { sha256 } = await copier.copy({
      doing: `Copying ${from}`,
      sizeBytes,
      from: continued(file, content, resumedBytes),
      write: (bytes, position) => writeNew(file, bytes, position, resumedBytes),
      ...(part.onBytes === undefined ? {} : { onBytes: part.onBytes }),
      signal: part.signal,
    });
    await file.sync();
    return { sha256, resumedBytes };
  } finally {
    await copier.close();
    await content.close();
  }
}

async function openCopy(to: string): Promise<FileHandle> {
  try {
    return await open(to, (await sizeOf(to)) === undefined ? 'w+' : 'r+', 0o600);
  } catch (thrown) {
    throw toWriteError(thrown, `Writing ${to}`);
  }
}

const COMPARED_BYTES = 64 * KiB;

/** All of it, where its last bytes are those of the part at that place; else nothing: another part had its name and size. */
async function bytesToKeep(file: FileHandle, content: OpenedContent, { sizeBytes }: PartToCopy): Promise<number> {
  const here = (await file.stat()).size;
  if (here > sizeBytes) return 0;
  const start = Math.max(0, here - COMPARED_BYTES);
  const [ours, theirs] = [Buffer.alloc(here - start), Buffer.alloc(here - start)];
  await file.read(ours, 0, ours.length, start);
  await content.read(theirs, start);
  return ours.equals(theirs) ? here : 0;
}

function continued(file: FileHandle, content: ReadableBytes, keptBytes: number): ReadableBytes {
  const read = async (buffer: Buffer, position: number) => {
    if (position >= keptBytes) return await content.read(buffer, position);
    const length = Math.min(buffer.length, keptBytes - position);
    return (await file.read(buffer, 0, length, position)).bytesRead;
  };
  return { read };
}

async function writeNew(file: FileHandle, bytes: Buffer, position: number, keptBytes: number): Promise<void> {
  try {
    for (let at = Math.max(0, keptBytes - position); at < bytes.length; )
      at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  } catch (thrown) {
    throw toWriteError(thrown, 'Copying a part');
  }
}
