/**
 * A ZIP's members, from its central directories. Readers disagree on which end record counts and from where offsets are counted,
 * which is how scanners are fooled; here every directory that some reader would take is taken. Flags and checksums are not
 * believed. Spec: docs/spec/07-formats.md §5.2.
 */
import type { HeaderSource } from './header-source.ts';
import { FORMATS_LIMITS } from './limits.ts';

const END_BYTES = 22;
const MEMBER_BYTES = 46;
const MOST_COMMENT_BYTES = 65_535;
const MOST_END_RECORDS = 16;
const END_MAGIC = Buffer.from('504b0506', 'hex');
const ZIP64_LOCATOR_MAGIC = 0x07064b50;
const ZIP64_END_MAGIC = 0x06064b50;
const MEMBER_MAGIC = 0x02014b50;
const UNSET = 0xffff_ffff;

interface Directory {
  readonly offset: number;
  readonly sizeBytes: number;
  /** Bytes before the archive that its offsets do not count. */
  readonly shift: number;
}

export interface ZipMember {
  readonly name: string;
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly packedBytes: number;
  /** Of its local header. */
  readonly headerOffset: number;
}

/** Names only; undefined where there is no directory, or one that is broken or over our bounds. */
export async function readZipMemberNames(source: HeaderSource): Promise<readonly string[] | undefined> {
  return (await readZipMembers(source))?.map(({ name }) => name);
}

/** Undefined where the directory is missing, broken or over our bounds. */
export async function readZipMembers(source: HeaderSource): Promise<readonly ZipMember[] | undefined> {
  const members = new Map<string, ZipMember>();
  let hasDirectory = false;
  for (const directory of await findDirectories(source)) {
    const listed = await readDirectory(source, directory);
    if (listed === undefined) continue;
    hasDirectory = true;
    for (const member of listed) members.set(`${member.headerOffset} ${member.name}`, member);
    if (members.size > FORMATS_LIMITS.zipMembers) return undefined;
  }
  return hasDirectory ? [...members.values()] : undefined;
}

/** Candidates of all end records in the tail: as the record says, and as far back from it as its size says. */
async function findDirectories(source: HeaderSource): Promise<Directory[]> {
  const tailBytes = Math.min(source.sizeBytes, END_BYTES + MOST_COMMENT_BYTES);
  const tailAt = source.sizeBytes - tailBytes;
  const tail = (await readAt(source, tailAt, tailBytes)) ?? Buffer.alloc(0);
  const found: Directory[] = [];
  let at = tail.lastIndexOf(END_MAGIC);
  for (let records = 0; at >= 0 && records < MOST_END_RECORDS; records += 1) {
    if (at + END_BYTES <= tail.length) found.push(...(await directoriesOf(source, tail.subarray(at), tailAt + at)));
    at = at === 0 ? -1 : tail.lastIndexOf(END_MAGIC, at - 1);
  }
  return found;
}

async function directoriesOf(source: HeaderSource, end: Buffer, endAt: number): Promise<Directory[]> {
  const sizeBytes = end.readUInt32LE(12);
  const offset = end.readUInt32LE(16);
  const wide = await findZip64Directory(source, endAt - 20);
  const found = wide === undefined ? [] : [wide];
  if (offset === UNSET || sizeBytes === UNSET) return found;
  const shift = endAt - sizeBytes - offset;
  found.push({ offset, sizeBytes, shift: 0 });
  if (shift !== 0) found.push({ offset: endAt - sizeBytes, sizeBytes, shift });
  return found;
}

async function findZip64Directory(source: HeaderSource, locatorAt: number): Promise<Directory | undefined> {
  const locator = await readAt(source, locatorAt, 20);
  if (locator === undefined || locator.readUInt32LE(0) !== ZIP64_LOCATOR_MAGIC) return undefined;
  const end = await readAt(source, Number(locator.readBigUInt64LE(8)), 56);
  if (end === undefined || end.readUInt32LE(0) !== ZIP64_END_MAGIC) return undefined;
  return { sizeBytes: Number(end.readBigUInt64LE(40)), offset: Number(end.readBigUInt64LE(48)), shift: 0 };
}

async function readDirectory(
  source: HeaderSource,
  { offset, sizeBytes, shift }: Directory,
): Promise<ZipMember[] | undefined> {
  if (sizeBytes > FORMATS_LIMITS.zipDirectoryBytes || sizeBytes > source.sizeBytes) return undefined;
  const bytes = await readAt(source, offset, sizeBytes);
  return bytes === undefined ? undefined : parseMembers(bytes, shift);
}

function parseMembers(bytes: Buffer, shift: number): ZipMember[] | undefined {
  const members: ZipMember[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + MEMBER_BYTES > bytes.length || bytes.readUInt32LE(at) !== MEMBER_MAGIC) return undefined;
    const nameBytes = bytes.readUInt16LE(at + 28);
    const extraBytes = bytes.readUInt16LE(at + 30);
    const extraAt = at + MEMBER_BYTES + nameBytes;
    if (extraAt > bytes.length) return undefined;
    members.push(parseMember(bytes.subarray(at, extraAt), bytes.subarray(extraAt, extraAt + extraBytes), shift));
    if (members.length > FORMATS_LIMITS.zipMembers) return undefined;
    at = extraAt + extraBytes + bytes.readUInt16LE(at + 32);
  }
  return members;
}

function parseMember(head: Buffer, extra: Buffer, shift: number): ZipMember {
  const wide = wideFields(extra);
  const sizeField = head.readUInt32LE(24);
  const packedField = head.readUInt32LE(20);
  const offsetField = head.readUInt32LE(42);
  if (sizeField === UNSET) wide.shift();
  const packedBytes = packedField === UNSET ? (wide.shift() ?? packedField) : packedField;
  const headerOffset = (offsetField === UNSET ? (wide.shift() ?? offsetField) : offsetField) + shift;
  return {
    name: head.toString('utf8', MEMBER_BYTES),
    method: head.readUInt16LE(10),
    isEncrypted: (head.readUInt16LE(8) & 1) === 1,
    packedBytes,
    headerOffset,
  };
}

/** The 64-bit fields of the extra block with id 1, in their order. */
function wideFields(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    const block = extra.subarray(at + 4, at + 4 + length);
    if (extra.readUInt16LE(at) === 1) {
      const count = Math.min(3, Math.floor(block.length / 8));
      return Array.from({ length: count }, (_, index) => Number(block.readBigUInt64LE(index * 8)));
    }
    at += 4 + length;
  }
  return [];
}

async function readAt(source: HeaderSource, position: number, byteCount: number): Promise<Buffer | undefined> {
  if (!Number.isSafeInteger(position) || position < 0 || position + byteCount > source.sizeBytes) return undefined;
  const bytes = Buffer.alloc(byteCount);
  return (await source.read(bytes, position)) === byteCount ? bytes : undefined;
}
