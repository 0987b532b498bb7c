/**
 * The journal of a part as bytes: header, entries, and what they say together. Pure. Spec: docs/spec/06-store.md §3, §4.
 * Whatever is on the disk is read without trust: garbage means no pieces, a torn tail is cut, nothing here throws.
 */
import { crc32 } from 'node:zlib';
import type { PieceRoot, Sha256 } from '../core/index.ts';
import { PROTOCOL_LIMITS } from '../protocol/index.ts';
import { STORE_LIMITS } from './limits.ts';
import { PieceSet } from './piece-set.ts';
import type { BlobSpec } from './ports.ts';

export const JOURNAL_HEADER_BYTES = 128;
export const JOURNAL_ENTRY_BYTES = 16;
const MAGIC = 'ATMOJRNL';
const VERSION = 1;
const BOOT_ID_BYTES = 36;
const KINDS = { commit: 1, revoke: 2, mark: 3, doubt: 4 } as const;
export type JournalEntryKind = keyof typeof KINDS;
const KIND_NAMES = new Map<number, JournalEntryKind>(
  Object.entries(KINDS).map(([name, byte]) => [byte, name as JournalEntryKind]),
);

export interface JournalState {
  readonly spec: BlobSpec;
  readonly held: PieceSet;
  /** Held, but to be checked again. */
  readonly unsure: PieceSet;
  /** Held, and on the disk as a mark says. */
  readonly durable: PieceSet;
}

export function pieceCountOf(spec: BlobSpec): number {
  return Math.ceil(spec.sizeBytes / spec.pieceBytes);
}

export function encodeHeader(spec: BlobSpec, bootId: string): Buffer {
  const header = Buffer.alloc(JOURNAL_HEADER_BYTES);
  header.write(MAGIC, 0, 'latin1');
  header.writeUInt32BE(VERSION, 8);
  header.writeUInt32BE(spec.pieceBytes, 12);
  header.writeBigUInt64BE(BigInt(spec.sizeBytes), 16);
  header.write(spec.sha256, 24, 'hex');
  header.write(spec.pieceRoot, 56, 'hex');
  header.write(bootId.slice(0, BOOT_ID_BYTES), 88, 'latin1');
  header.writeUInt32BE(crc32(header.subarray(0, 124)), 124);
  return header;
}

export function headerCrcOf(header: Buffer): number {
  return header.readUInt32BE(124);
}

/** Writes one entry into `into` (16 bytes, reused by the caller). */
export function encodeEntry(into: Buffer, kind: JournalEntryKind, index: number, ordinal: number, seed: number): void {
  into.writeUInt32BE(KINDS[kind] * 0x1000000, 0);
  into.writeUInt32BE(index, 4);
  into.writeUInt32BE(ordinal, 8);
  into.writeUInt32BE(crc32(into.subarray(0, 12), seed), 12);
}

/** A journal that says `state` in the fewest entries. The mark follows the durable pieces. */
export function encodeJournal(state: JournalState, bootId: string): { bytes: Buffer; entries: number } {
  const header = encodeHeader(state.spec, bootId);
  const rows = journalRows(state);
  const bytes = Buffer.alloc(JOURNAL_HEADER_BYTES + rows.length * JOURNAL_ENTRY_BYTES);
  header.copy(bytes);
  for (const [ordinal, [kind, index]] of rows.entries()) {
    const at = JOURNAL_HEADER_BYTES + ordinal * JOURNAL_ENTRY_BYTES;
    encodeEntry(bytes.subarray(at, at + JOURNAL_ENTRY_BYTES), kind, index, ordinal, headerCrcOf(header));
  }
  return { bytes, entries: rows.length };
}

function journalRows(state: JournalState): [JournalEntryKind, number][] {
  const rows: [JournalEntryKind, number][] = [...state.durable].map((index) => ['commit', index]);
  if (rows.length > 0) rows.push(['mark', rows.length]);
  for (const index of state.held) {
    if (state.unsure.has(index)) rows.push(['doubt', index]);
    else if (!state.durable.has(index)) rows.push(['commit', index]);
  }
  return rows;
}

/** What the bytes say at boot `bootId`; undefined when they are no journal of this version (§3.3). */
export function decodeJournal(bytes: Buffer, bootId: string): JournalState | undefined {
  const header = decodeHeader(bytes);
  if (header === undefined) return undefined;
  const count = pieceCountOf(header.spec);
  const state = {
    spec: header.spec,
    held: new PieceSet(count),
    unsure: new PieceSet(count),
    durable: new PieceSet(count),
  };
  applyEntries(bytes, headerCrcOf(bytes), state);
  if (header.bootId !== bootId.slice(0, BOOT_ID_BYTES)) {
    for (const index of state.held) if (!state.durable.has(index)) state.unsure.add(index);
  }
  return state;
}

export function isSameSpec(a: BlobSpec, b: BlobSpec): boolean {
  return (
    a.sha256 === b.sha256 && a.sizeBytes === b.sizeBytes && a.pieceBytes === b.pieceBytes && a.pieceRoot === b.pieceRoot
  );
}

function decodeHeader(bytes: Buffer): { spec: BlobSpec; bootId: string } | undefined {
  if (bytes.length < JOURNAL_HEADER_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) return undefined;
  if (bytes.readUInt32BE(8) !== VERSION || crc32(bytes.subarray(0, 124)) !== headerCrcOf(bytes)) return undefined;
  const spec: BlobSpec = {
    pieceBytes: bytes.readUInt32BE(12),
    sizeBytes: Number(bytes.readBigUInt64BE(16)),
    sha256: bytes.toString('hex', 24, 56) as Sha256,
    pieceRoot: bytes.toString('hex', 56, 88) as PieceRoot,
  };
  if (!isSaneSpec(spec)) return undefined;
  return { spec, bootId: bytes.toString('latin1', 88, 124).replace(/\0+$/, '') };
}

export function isSaneSpec(spec: BlobSpec): boolean {
  const { sizeBytes, pieceBytes } = spec;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > PROTOCOL_LIMITS.blobBytes) return false;
  if (!Number.isInteger(pieceBytes) || pieceBytes < 1 || pieceBytes > 0xffff_ffff) return false;
  return pieceCountOf(spec) <= STORE_LIMITS.piecesPerBlob;
}

function applyEntries(bytes: Buffer, seed: number, state: JournalState): void {
  const total = Math.floor((bytes.length - JOURNAL_HEADER_BYTES) / JOURNAL_ENTRY_BYTES);
  /** The last commit's entry number a piece, to know which marks cover it. */
  const committedBy = new Map<number, number>();
  for (let ordinal = 0; ordinal < total; ordinal += 1) {
    const at = JOURNAL_HEADER_BYTES + ordinal * JOURNAL_ENTRY_BYTES;
    const entry = decodeEntry(bytes.subarray(at, at + JOURNAL_ENTRY_BYTES), ordinal, seed);
    if (entry === undefined) return;
    if (entry.kind === 'mark') {
      if (entry.index > ordinal) return;
      for (const [piece, by] of committedBy) {
        if (by >= entry.index) continue;
        state.durable.add(piece);
        committedBy.delete(piece);
      }
    } else if (entry.index < state.held.length) applyPiece(state, committedBy, entry.kind, entry.index, ordinal);
    else return;
  }
}

function applyPiece(
  state: JournalState,
  committedBy: Map<number, number>,
  kind: Exclude<JournalEntryKind, 'mark'>,
  index: number,
  ordinal: number,
): void {
  committedBy.delete(index);
  state.durable.delete(index);
  state.unsure.delete(index);
  if (kind === 'revoke') {
    state.held.delete(index);
    return;
  }
  state.held.add(index);
  if (kind === 'doubt') state.unsure.add(index);
  else committedBy.set(index, ordinal);
}

function decodeEntry(
  entry: Buffer,
  ordinal: number,
  seed: number,
): { kind: JournalEntryKind; index: number } | undefined {
  if (crc32(entry.subarray(0, 12), seed) !== entry.readUInt32BE(12)) return undefined;
  const word = entry.readUInt32BE(0);
  const kind = KIND_NAMES.get(word >>> 24);
  if (kind === undefined || (word & 0xffffff) !== 0 || entry.readUInt32BE(8) !== ordinal) return undefined;
  return { kind, index: entry.readUInt32BE(4) };
}
