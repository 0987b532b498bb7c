/** Opens the part of a blob, or makes one: what an earlier run left is taken over or discarded (06-store §3.3, §3.4). */
import { close, constants, ftruncate, open } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { DiskBlobWriter, type DiskWriterOptions } from './disk-blob-writer.ts';
import { toStoreError } from './errors.ts';
import { isSameSpec, type JournalState, pieceCountOf } from './journal.ts';
import { PartJournal, readJournal } from './part-journal.ts';
import { PieceSet } from './piece-set.ts';
import type { BlobSpec } from './ports.ts';

const openFd = promisify(open);
const closeFd = promisify(close);
const truncateFd = promisify(ftruncate);

export async function openDiskBlobWriter(spec: BlobSpec, options: DiskWriterOptions): Promise<DiskBlobWriter> {
  const { folder, bootId } = options;
  try {
    const state = await resumePart(spec, options);
    await mkdir(folder.partFolder(spec.sha256), { recursive: true });
    const fd = await openFd(folder.dataPath(spec.sha256), constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      await truncateFd(fd, spec.sizeBytes);
      const journal = await PartJournal.open(folder.journalPath(spec.sha256), state, bootId);
      return new DiskBlobWriter(state, fd, journal, options);
    } catch (thrown) {
      await closeFd(fd);
      throw thrown;
    }
  } catch (thrown) {
    throw toStoreError(`Opening a part of ${spec.sizeBytes} bytes`, thrown);
  }
}

async function resumePart(spec: BlobSpec, { folder, bootId }: DiskWriterOptions): Promise<JournalState> {
  const state = await readJournal(folder.journalPath(spec.sha256), bootId);
  const isSame = state !== undefined && isSameSpec(state.spec, spec);
  if (isSame && (await sizeOf(folder.dataPath(spec.sha256))) === spec.sizeBytes) return state;
  if (state !== undefined) await rm(folder.partFolder(spec.sha256), { recursive: true, force: true });
  return freshState(spec);
}

export function freshState(spec: BlobSpec): JournalState {
  const count = pieceCountOf(spec);
  return { spec, held: new PieceSet(count), unsure: new PieceSet(count), durable: new PieceSet(count) };
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
