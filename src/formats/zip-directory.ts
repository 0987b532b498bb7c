/** Names of a ZIP's members, from its central directory alone. Spec: docs/spec/07-formats.md §5.2. */
import type { HeaderSource } from './header-source.ts';
import { FORMATS_LIMITS } from './limits.ts';

const END_BYTES = 22;
const MOST_COMMENT_BYTES = 65_535;
const END_MAGIC = Buffer.from('504b0506', 'hex');
const ZIP64_LOCATOR_MAGIC = 0x07064b50;
const ZIP64_END_MAGIC = 0x06064b50;
const MEMBER_MAGIC = 0x02014b50;

interface Directory {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Undefined where the directory is missing, broken or over our bounds. */
export async function readZipMemberNames(source: HeaderSource): Promise<readonly string[] | undefined> {
  const directory = await findDirectory(source);
  if (directory === undefined || directory.sizeBytes > FORMATS_LIMITS.zipDirectoryBytes) return undefined;
  if (directory.offset + directory.sizeBytes > source.sizeBytes) return undefined;
  const bytes = await readAt(source, directory.offset, directory.sizeBytes);
  return bytes === undefined ? undefined : memberNames(bytes);
}

async function findDirectory(source: HeaderSource): Promise<Directory | undefined> {
  const tailBytes = Math.min(source.sizeBytes, END_BYTES + MOST_COMMENT_BYTES);
  const tail = await readAt(source, source.sizeBytes - tailBytes, tailBytes);
  const at = tail?.lastIndexOf(END_MAGIC) ?? -1;
  if (tail === undefined || at < 0 || at + END_BYTES > tail.length) return undefined;
  const sizeBytes = tail.readUInt32LE(at + 12);
  const offset = tail.readUInt32LE(at + 16);
  if (offset !== 0xffff_ffff && sizeBytes !== 0xffff_ffff) return { offset, sizeBytes };
  return await findZip64Directory(source, source.sizeBytes - tailBytes + at - 20);
}

async function findZip64Directory(source: HeaderSource, locatorAt: number): Promise<Directory | undefined> {
  const locator = await readAt(source, locatorAt, 20);
  if (locator === undefined || locator.readUInt32LE(0) !== ZIP64_LOCATOR_MAGIC) return undefined;
  const end = await readAt(source, Number(locator.readBigUInt64LE(8)), 56);
  if (end === undefined || end.readUInt32LE(0) !== ZIP64_END_MAGIC) return undefined;
  return { sizeBytes: Number(end.readBigUInt64LE(40)), offset: Number(end.readBigUInt64LE(48)) };
}

function memberNames(bytes: Buffer): string[] | undefined {
  const names: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== MEMBER_MAGIC) return undefined;
    const nameBytes = bytes.readUInt16LE(at + 28);
    if (at + 46 + nameBytes > bytes.length) return undefined;
    names.push(bytes.toString('utf8', at + 46, at + 46 + nameBytes));
    if (names.length > FORMATS_LIMITS.zipMembers) return undefined;
    at += 46 + nameBytes + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return names;
}

async function readAt(source: HeaderSource, position: number, byteCount: number): Promise<Buffer | undefined> {
  if (!Number.isSafeInteger(position) || position < 0 || position + byteCount > source.sizeBytes) return undefined;
  const bytes = Buffer.alloc(byteCount);
  return (await source.read(bytes, position)) === byteCount ? bytes : undefined;
}
