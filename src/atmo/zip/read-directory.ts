/**
 * The central directory of a hostile archive: which members it has and where. Members lie one behind the other from byte 0 to the directory;
 * what a local header may add between them is bounded here and compared when it is read. Pure. Spec: docs/spec/21-packages.md §2.
 */
import { AtmoError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import { PathSet } from '../source/path-set.ts';
import { badArchive } from './bad-archive.ts';
import { readExtra, widen } from './read-extra.ts';
import { CENTRAL_BYTES, CENTRAL_SIGNATURE, type DirectoryFacts, FLAG_UTF8, LOCAL_BYTES } from './records.ts';

export interface ArchiveMember {
  /** As the bytes of the name say; a folder's ends in a slash. */
  readonly path: string;
  readonly name: Buffer;
  readonly sizeBytes: number;
  readonly crc: number;
  readonly flags: number;
  /** Where its local header begins. */
  readonly offset: number;
  /** Where the next one begins, or the directory. */
  readonly end: number;
}

const STORED = 0;
const FLAG_ENCRYPTED = 0x0001;
const FLAG_DESCRIPTOR = 0x0008;
/** Bits 1 and 2 tell of an effort of compression, which stored members do not have. */
const FLAGS_TAKEN = FLAG_UTF8 | 0x0006;
const TYPE_MASK = 0o170000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;
const DOS_FOLDER = 0x10;

/** In the order in which they lie. Throws AtmoError `bad_archive`, `not_stored`, `unsafe_member`, `too_large`. */
export function readDirectory(directory: Buffer, facts: DirectoryFacts): ArchiveMember[] {
  const members: Omit<ArchiveMember, 'end'>[] = [];
  const paths = new PathSet();
  let at = 0;
  for (let index = 0; index < facts.members; index += 1) {
    const { member, bytes } = readCentralHeader(directory, at);
    if (member.path.endsWith('/')) paths.add(member.path.slice(0, -1), 'folder');
    else paths.add(member.path);
    members.push(member);
    at += bytes;
  }
  if (at !== directory.length) throw badArchive('directory', `${directory.length - at} bytes follow its last entry`);
  return placeMembers(members, facts.offset);
}

function readCentralHeader(directory: Buffer, at: number) {
  if (at + CENTRAL_BYTES > directory.length || directory.readUInt32LE(at) !== CENTRAL_SIGNATURE)
    throw badArchive('directory', 'it holds fewer entries than it says');
  const header = directory.subarray(at);
  const [nameBytes, extraBytes] = [header.readUInt16LE(28), header.readUInt16LE(30)];
  const bytes = CENTRAL_BYTES + nameBytes + extraBytes;
  if (bytes > header.length) throw badArchive('directory', 'an entry is cut off');
  const name = header.subarray(CENTRAL_BYTES, CENTRAL_BYTES + nameBytes);
  const flags = header.readUInt16LE(8);
  const path = toPath(name, flags);
  if (header.readUInt16LE(32) !== 0) throw badArchive('comment', 'it has a comment', path);
  if (header.readUInt16LE(34) !== 0) throw badArchive('multi_disk', 'it lies in another volume', path);
  assertFlags(flags, path);
  assertType(header.readUInt32LE(38), path);
  const zip64 = readExtra(header.subarray(bytes - extraBytes, bytes), path);
  const fields = [header.readUInt32LE(24), header.readUInt32LE(20), header.readUInt32LE(42)];
  const [sizeBytes = 0, packedBytes = 0, offset = 0] = widen(fields, zip64, path);
  assertStored(header.readUInt16LE(10), path);
  assertSize(sizeBytes, packedBytes, path);
  return { member: { path, name, sizeBytes, crc: header.readUInt32LE(16), flags, offset }, bytes };
}

function toPath(name: Buffer, flags: number): string {
  const text = name.toString('utf8');
  if (!Buffer.from(text).equals(name)) throw badArchive('name', 'the name is not UTF-8', text);
  if ((flags & FLAG_UTF8) === 0 && name.some((byte) => byte > 0x7f))
    throw badArchive('name', 'the name is not marked as UTF-8; pack with zip -UN=UTF8', text);
  return text;
}

function assertFlags(flags: number, path: string): void {
  if ((flags & FLAG_ENCRYPTED) !== 0)
    throw new AtmoError(
      'not_stored',
      `Reading the archive: ${JSON.stringify(path)} is encrypted; packages are signed, not encrypted`,
      { data: { path } },
    );
  if ((flags & FLAG_DESCRIPTOR) !== 0)
    throw badArchive('data_descriptor', 'its sizes stand behind it; pack into a file, not a pipe', path);
  if ((flags & ~FLAGS_TAKEN) !== 0) throw badArchive('flags', `flags 0x${flags.toString(16)} are not understood`, path);
}

/** What an extractor would make of it: a file, or for a name with a slash at its end a folder. */
function assertType(attributes: number, path: string): void {
  const type = (attributes >>> 16) & TYPE_MASK;
  const isFolder = path.endsWith('/');
  const says = type === 0 ? ((attributes & DOS_FOLDER) !== 0 ? FOLDER : isFolder ? FOLDER : REGULAR) : type;
  if (says !== (isFolder ? FOLDER : REGULAR))
    throw new AtmoError(
      'unsafe_member',
      `Reading the archive: ${JSON.stringify(path)} is refused because it is ${TYPE_WORDS[says] ?? 'no file'}`,
      { data: { path } },
    );
}

const TYPE_WORDS: Readonly<Record<number, string>> = {
  21609: 'a symbolic link',
  [FOLDER]: 'a folder called like a file',
  [REGULAR]: 'a file called like a folder',
};

function assertStored(method: number, path: string): void {
  if (method === STORED) return;
  throw new AtmoError(
    'not_stored',
    `Reading the archive: ${JSON.stringify(path)} is compressed (method ${method}); unpack it and pack it again with zip -0 -X -r`,
    { data: { path, method } },
  );
}

function assertSize(sizeBytes: number, packedBytes: number, path: string): void {
  if (sizeBytes !== packedBytes)
    throw badArchive('member_size', `it says ${sizeBytes} bytes and ${packedBytes} bytes`, path);
  if (sizeBytes > ATMO_LIMITS.memberBytes)
    throw new AtmoError(
      'too_large',
      `Reading the archive: ${JSON.stringify(path)} has ${sizeBytes} bytes, at most ${ATMO_LIMITS.memberBytes}`,
    );
  if (path.endsWith('/') && sizeBytes !== 0) throw badArchive('member_size', 'a folder has content', path);
}

function placeMembers(members: readonly Omit<ArchiveMember, 'end'>[], directoryAt: number): ArchiveMember[] {
  const first = members[0]?.offset ?? directoryAt;
  if (first !== 0 && members.every(({ offset }) => offset >= first))
    throw badArchive('leading_bytes', `${first} bytes stand before its first member`);
  return members.map((member, index) => {
    const end = members[index + 1]?.offset ?? directoryAt;
    const least = member.offset + LOCAL_BYTES + member.name.length + member.sizeBytes;
    if (end < member.offset)
      throw badArchive(
        'order',
        'it lies before the one that is listed before it',
        members[index + 1]?.path ?? member.path,
      );
    if (end < least)
      throw badArchive('overlap', `it would end at ${least}, and what follows begins at ${end}`, member.path);
    if (end > least + ATMO_LIMITS.extraFieldBytes)
      throw badArchive('gap', `${end - least} bytes lie between it and what follows`, member.path);
    return { ...member, end };
  });
}
