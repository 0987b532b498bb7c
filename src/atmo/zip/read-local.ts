/** The local header of a member against the central directory: other extractors believe this one. Pure. Spec: docs/spec/21-packages.md §2. */
import { badArchive } from './bad-archive.ts';
import type { ArchiveMember } from './read-directory.ts';
import { readExtra, widen } from './read-extra.ts';
import { LOCAL_BYTES, LOCAL_SIGNATURE } from './records.ts';

/** Bytes that are read of a member before its content. */
export function localHeaderBytes(member: ArchiveMember): number {
  return member.end - member.offset - member.sizeBytes;
}

/** `header` are the bytes from the member's offset to where its content must begin for it to end where it does. Throws AtmoError `bad_archive`. */
export function checkLocalHeader(header: Buffer, member: ArchiveMember): void {
  const { path } = member;
  if (header.readUInt32LE(0) !== LOCAL_SIGNATURE)
    throw badArchive('header_differs', 'there is no member where the directory says', path);
  const [nameBytes, extraBytes] = [header.readUInt16LE(26), header.readUInt16LE(28)];
  const length = LOCAL_BYTES + nameBytes + extraBytes;
  if (nameBytes !== member.name.length || !header.subarray(LOCAL_BYTES, LOCAL_BYTES + nameBytes).equals(member.name))
    throw badArchive('header_differs', 'it has another name in its own header', path);
  if (length < header.length)
    throw badArchive('gap', `${header.length - length} bytes lie between it and what follows`, path);
  if (length > header.length) throw badArchive('overlap', 'it ends behind the beginning of what follows', path);
  const [sizeBytes, packedBytes] = sizesOf(header, header.subarray(LOCAL_BYTES + nameBytes, length), path);
  const differs = (what: string) => badArchive('header_differs', `${what} is another in its own header`, path);
  if (header.readUInt16LE(6) !== member.flags) throw differs('its flags');
  if (header.readUInt16LE(8) !== 0) throw differs('its compression');
  if (header.readUInt32LE(14) !== member.crc) throw differs('its CRC-32');
  if (sizeBytes !== member.sizeBytes || packedBytes !== member.sizeBytes) throw differs('its size');
}

function sizesOf(header: Buffer, extra: Buffer, path: string): number[] {
  return widen([header.readUInt32LE(22), header.readUInt32LE(18)], readExtra(extra, path), path);
}
