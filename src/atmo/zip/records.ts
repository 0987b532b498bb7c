/**
 * The records of a zip archive as bytes: local header, central header, end. Pure; what is put into them, and what is refused of what was read,
 * is decided elsewhere. Spec: docs/spec/21-packages.md §2 (PKWARE APPNOTE 6.3.10 §4.3, §4.5.3).
 */

export const LOCAL_SIGNATURE = 0x04034b50;
export const CENTRAL_SIGNATURE = 0x02014b50;
export const END_SIGNATURE = 0x06054b50;
export const END64_SIGNATURE = 0x06064b50;
export const LOCATOR_SIGNATURE = 0x07064b50;
export const LOCAL_BYTES = 30;
export const CENTRAL_BYTES = 46;
export const END_BYTES = 22;
export const END64_BYTES = 56;
export const LOCATOR_BYTES = 20;
/** Where the CRC-32 stands in a local header. */
export const LOCAL_CRC_AT = 14;

export const MAX_16 = 0xffff;
export const MAX_32 = 0xffffffff;
export const ZIP64_EXTRA = 0x0001;
export const FLAG_UTF8 = 0x0800;

const VERSION_STORED = 10;
const VERSION_ZIP64 = 45;
/** Made on Unix, by a writer of version 4.5 of the format. */
const MADE_BY = (3 << 8) | VERSION_ZIP64;
const REGULAR_0644 = 0o100644;

export interface MemberRecord {
  /** UTF-8. */
  readonly name: Buffer;
  readonly sizeBytes: number;
  readonly crc: number;
  readonly dosTime: number;
  readonly dosDate: number;
  /** Where its local header begins. */
  readonly offset: number;
}

/** Both sizes stand in the extra field as soon as one does not fit. */
export function encodeLocalHeader(member: MemberRecord): Buffer {
  const needsZip64 = member.sizeBytes >= MAX_32;
  const extra = needsZip64 ? zip64Extra([member.sizeBytes, member.sizeBytes]) : Buffer.alloc(0);
  const header = Buffer.alloc(LOCAL_BYTES);
  header.writeUInt32LE(LOCAL_SIGNATURE, 0);
  encodeShared(header, 4, member, needsZip64, extra);
  return Buffer.concat([header, member.name, extra]);
}

export function encodeCentralHeader(member: MemberRecord): Buffer {
  const isLarge = member.sizeBytes >= MAX_32;
  const isFar = member.offset >= MAX_32;
  const values = [...(isLarge ? [member.sizeBytes, member.sizeBytes] : []), ...(isFar ? [member.offset] : [])];
  const extra = values.length > 0 ? zip64Extra(values) : Buffer.alloc(0);
  const header = Buffer.alloc(CENTRAL_BYTES);
  header.writeUInt32LE(CENTRAL_SIGNATURE, 0);
  header.writeUInt16LE(MADE_BY, 4);
  encodeShared(header, 6, member, values.length > 0, extra);
  header.writeUInt32LE((REGULAR_0644 << 16) >>> 0, 38);
  header.writeUInt32LE(Math.min(member.offset, MAX_32), 42);
  return Buffer.concat([header, member.name, extra]);
}

/** The fields that both headers have in the same order, from the version on. */
function encodeShared(header: Buffer, at: number, member: MemberRecord, needsZip64: boolean, extra: Buffer): void {
  const size = Math.min(member.sizeBytes, MAX_32);
  header.writeUInt16LE(needsZip64 ? VERSION_ZIP64 : VERSION_STORED, at);
  header.writeUInt16LE(FLAG_UTF8, at + 2);
  header.writeUInt16LE(member.dosTime, at + 6);
  header.writeUInt16LE(member.dosDate, at + 8);
  header.writeUInt32LE(member.crc >>> 0, at + 10);
  header.writeUInt32LE(size, at + 14);
  header.writeUInt32LE(size, at + 18);
  header.writeUInt16LE(member.name.length, at + 22);
  header.writeUInt16LE(extra.length, at + 24);
}

export interface DirectoryFacts {
  readonly members: number;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** The end record, before it those of zip64 where a number does not fit. */
export function encodeEnd({ members, offset, sizeBytes }: DirectoryFacts): Buffer {
  const needsZip64 = members >= MAX_16 || offset >= MAX_32 || sizeBytes >= MAX_32;
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(END_SIGNATURE, 0);
  end.writeUInt16LE(Math.min(members, MAX_16), 8);
  end.writeUInt16LE(Math.min(members, MAX_16), 10);
  end.writeUInt32LE(Math.min(sizeBytes, MAX_32), 12);
  end.writeUInt32LE(Math.min(offset, MAX_32), 16);
  return needsZip64 ? Buffer.concat([encodeEnd64({ members, offset, sizeBytes }), end]) : end;
}

function encodeEnd64({ members, offset, sizeBytes }: DirectoryFacts): Buffer {
  const end = Buffer.alloc(END64_BYTES + LOCATOR_BYTES);
  end.writeUInt32LE(END64_SIGNATURE, 0);
  writeUInt64(end, END64_BYTES - 12, 4);
  end.writeUInt16LE(MADE_BY, 12);
  end.writeUInt16LE(VERSION_ZIP64, 14);
  for (const at of [24, 32]) writeUInt64(end, members, at);
  writeUInt64(end, sizeBytes, 40);
  writeUInt64(end, offset, 48);
  end.writeUInt32LE(LOCATOR_SIGNATURE, END64_BYTES);
  writeUInt64(end, offset + sizeBytes, END64_BYTES + 8);
  end.writeUInt32LE(1, END64_BYTES + 16);
  return end;
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length);
  extra.writeUInt16LE(ZIP64_EXTRA, 0);
  extra.writeUInt16LE(8 * values.length, 2);
  for (const [index, value] of values.entries()) writeUInt64(extra, value, 4 + 8 * index);
  return extra;
}

function writeUInt64(buffer: Buffer, value: number, at: number): void {
  buffer.writeBigUInt64LE(BigInt(value), at);
}
