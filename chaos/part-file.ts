/** The part between two lives, from outside: what a power cut does to it, and whether what it claims is right. */
import { open, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { pieceLayout, pieceRange } from '../src/content/index.ts';
import { systemCodeOf } from '../src/core/index.ts';
import { createMemoryBlobIndex, openDiskBlobStore } from '../src/store/index.ts';
import type { TestBlob } from '../src/testkit/hostile-http-server.ts';
import type { AttemptPlan } from './scenario.ts';

/** Pieces that were not synced become zeros, and the end of the journal is torn off. Returns the pieces that must be there still. */
export async function cutPower(
  folder: string,
  { blob }: TestBlob,
  { loses, tornBytes }: NonNullable<AttemptPlan['powerCut']>,
): Promise<Set<number>> {
  const part = join(folder, 'parts', blob.sha256);
  const journal = join(part, 'journal');
  const size = (await stat(journal).catch(() => undefined))?.size;
  if (size === undefined) return new Set();
  const synced = await syncedPieces(journal);
  const layout = pieceLayout(blob.sizeBytes);
  await using data = await open(join(part, 'data'), 'r+').catch(ifAbsent);
  // The kill came between the renaming of the data and the end of its journal: the blob is whole, and synced.
  if (data === undefined) return new Set();
  for (const index of loses) {
    if (index >= layout.pieceCount || synced.has(index)) continue;
    const { start, end } = pieceRange(layout, index);
    await data.write(Buffer.alloc(end - start), 0, end - start, start);
  }
  const kept = HEADER_BYTES + (await syncedEntries(journal)) * ENTRY_BYTES;
  await truncate(journal, Math.max(Math.min(size, kept), size - tornBytes));
  return synced;
}

function ifAbsent(thrown: unknown): undefined {
  if (systemCodeOf(thrown) !== 'ENOENT') throw thrown;
}

// docs/spec/06-store.md §3
const HEADER_BYTES = 128;
const ENTRY_BYTES = 16;
const [COMMIT, MARK] = [1, 3];

async function entriesOf(journal: string): Promise<{ kind: number; value: number }[]> {
  await using file = await open(journal);
  const bytes = await file.readFile();
  const count = Math.max(0, Math.floor((bytes.length - HEADER_BYTES) / ENTRY_BYTES));
  return Array.from({ length: count }, (_, index) => {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    return { kind: bytes.readUInt8(at), value: bytes.readUInt32BE(at + 4) };
  });
}

/** Entries up to and with the last mark: the mark is synced after what it covers. */
async function syncedEntries(journal: string): Promise<number> {
  return (await entriesOf(journal)).findLastIndex(({ kind }) => kind === MARK) + 1;
}

/** Pieces whose bytes a mark says are on the disk. */
async function syncedPieces(journal: string): Promise<Set<number>> {
  const entries = await entriesOf(journal);
  const covered = Math.max(0, ...entries.filter(({ kind }) => kind === MARK).map(({ value }) => value));
  return new Set(entries.slice(0, covered).flatMap(({ kind, value }) => (kind === COMMIT ? [value] : [])));
}

export interface PartClaims {
  /** Pieces held, in doubt or not. */
  readonly held: ReadonlySet<number>;
  /** Held without a doubt, and not the content. */
  readonly wrong: readonly number[];
}

/** What the store says of the part, held against the content; undefined where there is no part. */
export async function readPart(
  folder: string,
  bootId: string,
  { blob, content }: TestBlob,
): Promise<PartClaims | undefined> {
  if (!(await readdir(join(folder, 'parts'))).includes(blob.sha256)) return undefined;
  const store = await openDiskBlobStore({ folder, index: createMemoryBlobIndex(), bootId, reserveBytes: 0 });
  try {
    const writer = await store.openWrite(blob);
    const layout = pieceLayout(blob.sizeBytes);
    const held = new Set<number>();
    const wrong: number[] = [];
    for (let index = 0; index < layout.pieceCount; index += 1) {
      if (!hasBit(writer.heldPieces, index)) continue;
      held.add(index);
      const { start, end } = pieceRange(layout, index);
      const bytes = Buffer.alloc(end - start);
      await writer.read(bytes, start);
      if (!hasBit(writer.unsurePieces, index) && !bytes.equals(content.subarray(start, end))) wrong.push(index);
    }
    await writer.close();
    return { held, wrong };
  } finally {
    await store.close();
  }
}

function hasBit(bits: Uint8Array, index: number): boolean {
  return ((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
}
