/** Zip archives field by field, right ones and wrong ones: everything that an archive says of itself can be set to something else. */
import { crc32 } from 'node:zlib';

/** What a header says; each is right unless it is given. */
export interface HeaderFields {
  readonly name?: string | Buffer;
  readonly flags?: number;
  readonly method?: number;
  readonly crc?: number;
  readonly packedBytes?: number;
  readonly sizeBytes?: number;
  readonly extra?: Buffer;
  /** The signature that it begins with. */
  readonly signature?: number;
}

export interface CentralFields extends HeaderFields {
  readonly offset?: number;
  readonly attributes?: number;
  readonly comment?: Buffer;
  readonly disk?: number;
}

export interface RawMember {
  readonly path: string;
  readonly content: Buffer;
  /** What lies in the archive, where it is not the content. */
  readonly packed?: Buffer;
  /** In both headers. */
  readonly fields?: HeaderFields;
  readonly local?: HeaderFields;
  readonly central?: CentralFields;
  /** Behind the content. */
  readonly after?: Buffer;
  /** It has no entry in the directory. */
  readonly isHidden?: boolean;
}

export interface EndFields {
  readonly disk?: number;
  readonly directoryDisk?: number;
  readonly membersHere?: number;
  readonly members?: number;
  readonly directoryBytes?: number;
  readonly directoryAt?: number;
  readonly comment?: Buffer;
}

export interface RawArchive {
  readonly members: readonly RawMember[];
  /** Before the first member; offsets count it unless `leadingIsCounted` is false. */
  readonly leading?: Buffer;
  readonly leadingIsCounted?: boolean;
  /** Between the last member and the directory. */
  readonly beforeDirectory?: Buffer;
  readonly afterDirectory?: Buffer;
  /** Order of the directory's entries, as indexes of members. */
  readonly order?: readonly number[];
  readonly end?: EndFields;
  /** Adds the end record of zip64 with these fields, and its locator. */
  readonly end64?: EndFields & { readonly at?: number };
  readonly trailing?: Buffer;
}

const UTF8 = 0x0800;
const REGULAR = 0o100644 * 0x10000;

export function rawArchive(archive: RawArchive): Buffer {
  const { members, leading = Buffer.alloc(0), leadingIsCounted = true } = archive;
  const chunks: Buffer[] = [leading];
  const offsets: number[] = [];
  let at = leading.length;
  for (const member of members) {
    offsets.push(leadingIsCounted ? at : at - leading.length);
    const bytes = Buffer.concat([
      localHeader(member),
      member.packed ?? member.content,
      member.after ?? Buffer.alloc(0),
    ]);
    chunks.push(bytes);
    at += bytes.length;
  }
  const between = archive.beforeDirectory ?? Buffer.alloc(0);
  const directoryAt = at + between.length - (leadingIsCounted ? 0 : leading.length);
  const order = archive.order ?? members.map((_, index) => index);
  const listed = order.filter((index) => members[index]?.isHidden !== true);
  const directory = Buffer.concat(
    listed.map((index) => centralHeader(members[index] as RawMember, offsets[index] ?? 0)),
  );
  const facts = { members: listed.length, directoryBytes: directory.length, directoryAt };
  chunks.push(between, directory, archive.afterDirectory ?? Buffer.alloc(0));
  if (archive.end64 !== undefined) chunks.push(end64(facts, archive.end64));
  chunks.push(endRecord(facts, archive.end ?? {}), archive.trailing ?? Buffer.alloc(0));
  return Buffer.concat(chunks);
}

function shared(
  member: RawMember,
  fields: HeaderFields,
): { readonly bytes: Buffer; readonly name: Buffer; readonly extra: Buffer } {
  const said = { ...member.fields, ...fields };
  const name = typeof said.name === 'string' ? Buffer.from(said.name) : (said.name ?? Buffer.from(member.path));
  const extra = said.extra ?? Buffer.alloc(0);
  const bytes = Buffer.alloc(26);
  bytes.writeUInt16LE(10, 0);
  bytes.writeUInt16LE(said.flags ?? UTF8, 2);
  bytes.writeUInt16LE(said.method ?? 0, 4);
  bytes.writeUInt16LE((1 << 5) | 1, 8);
  bytes.writeUInt32LE(said.crc ?? crcOf(member.content), 10);
  bytes.writeUInt32LE(said.packedBytes ?? (member.packed ?? member.content).length, 14);
  bytes.writeUInt32LE(said.sizeBytes ?? member.content.length, 18);
  bytes.writeUInt16LE(name.length, 22);
  bytes.writeUInt16LE(extra.length, 24);
  return { bytes, name, extra };
}

function localHeader(member: RawMember): Buffer {
  const { bytes, name, extra } = shared(member, member.local ?? {});
  return Buffer.concat([u32(member.local?.signature ?? 0x04034b50), bytes, name, extra]);
}

function centralHeader(member: RawMember, offset: number): Buffer {
  const said = member.central ?? {};
  const { bytes, name, extra } = shared(member, said);
  const comment = said.comment ?? Buffer.alloc(0);
  const tail = Buffer.alloc(14);
  tail.writeUInt16LE(comment.length, 0);
  tail.writeUInt16LE(said.disk ?? 0, 2);
  tail.writeUInt32LE((said.attributes ?? REGULAR) >>> 0, 6);
  tail.writeUInt32LE(said.offset ?? offset, 10);
  const madeBy = Buffer.from([45, 3]);
  return Buffer.concat([u32(said.signature ?? 0x02014b50), madeBy, bytes, tail, name, extra, comment]);
}

type Facts = Required<Pick<EndFields, 'members' | 'directoryBytes' | 'directoryAt'>>;

function endRecord(facts: Facts, said: EndFields): Buffer {
  const {
    disk = 0,
    directoryDisk = 0,
    members,
    directoryBytes,
    directoryAt,
    comment = Buffer.alloc(0),
  } = { ...facts, ...said };
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(disk, 4);
  end.writeUInt16LE(directoryDisk, 6);
  end.writeUInt16LE(said.membersHere ?? members, 8);
  end.writeUInt16LE(members, 10);
  end.writeUInt32LE(directoryBytes, 12);
  end.writeUInt32LE(directoryAt, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([end, comment]);
}

function end64(facts: Facts, said: EndFields & { readonly at?: number }): Buffer {
  const { disk = 0, directoryDisk = 0, members, directoryBytes, directoryAt } = { ...facts, ...said };
  const end = Buffer.alloc(76);
  end.writeUInt32LE(0x06064b50, 0);
  end.writeBigUInt64LE(44n, 4);
  end.writeUInt16LE(45, 12);
  end.writeUInt16LE(45, 14);
  end.writeUInt32LE(disk, 16);
  end.writeUInt32LE(directoryDisk, 20);
  end.writeBigUInt64LE(BigInt(said.membersHere ?? members), 24);
  end.writeBigUInt64LE(BigInt(members), 32);
  end.writeBigUInt64LE(BigInt(directoryBytes), 40);
  end.writeBigUInt64LE(BigInt(directoryAt), 48);
  end.writeUInt32LE(0x07064b50, 56);
  end.writeBigUInt64LE(BigInt(said.at ?? facts.directoryAt + facts.directoryBytes), 64);
  end.writeUInt32LE(1, 72);
  return end;
}

/** One extra field. */
export function extraField(kind: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(kind, 0);
  head.writeUInt16LE(body.length, 2);
  return Buffer.concat([head, body]);
}

export function u64(...values: readonly (number | bigint)[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), 8 * index);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

const CRCS = new WeakMap<Buffer, number>();

/** Counted once a content: a hundred archives are made of the same ones. */
function crcOf(content: Buffer): number {
  const crc = CRCS.get(content) ?? crc32(content);
  CRCS.set(content, crc);
  return crc;
}
