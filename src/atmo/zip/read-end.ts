/**
 * Where the central directory of an archive lies. The end record are the last 22 bytes of the archive, without a comment; those of zip64 stand
 * directly before it, the directory directly before them: there is one reading of every archive. Pure. Spec: docs/spec/21-packages.md §2.
 */
import { AtmoError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import { badArchive } from './bad-archive.ts';
import { toNumber } from './read-extra.ts';
import {
  type DirectoryFacts,
  END_BYTES,
  END_SIGNATURE,
  END64_BYTES,
  END64_SIGNATURE,
  LOCATOR_BYTES,
  LOCATOR_SIGNATURE,
  MAX_16,
  MAX_32,
} from './records.ts';

/** Bytes of the end that have to be read: a comment that should not be there can be told from bytes that are missing. */
export const TAIL_BYTES = END_BYTES + LOCATOR_BYTES + END64_BYTES + MAX_16;

/** `tail` are the last bytes of `sizeBytes`. Throws AtmoError `bad_archive`, `truncated`, `too_large`. */
export function readEnd(tail: Buffer, sizeBytes: number): DirectoryFacts {
  const at = tail.length - END_BYTES;
  if (at < 0 || tail.readUInt32LE(at) !== END_SIGNATURE) throw noEnd(tail);
  const end = tail.subarray(at);
  if (end.readUInt16LE(20) !== 0) throw badArchive('comment', 'it has a comment, or is cut off in one');
  const disks = [end.readUInt16LE(4), end.readUInt16LE(6)];
  const short = {
    members: end.readUInt16LE(10),
    sizeBytes: end.readUInt32LE(12),
    offset: end.readUInt32LE(16),
  };
  if (disks.some((disk) => disk !== 0) || end.readUInt16LE(8) !== short.members)
    throw badArchive('multi_disk', 'it is a volume of several; packages are split in plain parts');
  const locatorAt = at - LOCATOR_BYTES;
  const hasZip64 = locatorAt >= 0 && tail.readUInt32LE(locatorAt) === LOCATOR_SIGNATURE;
  const { facts, endAt } = hasZip64
    ? readEnd64(tail, locatorAt, sizeBytes, short)
    : { facts: short, endAt: sizeBytes - END_BYTES };
  if (!hasZip64 && (short.members === MAX_16 || short.offset === MAX_32 || short.sizeBytes === MAX_32))
    throw badArchive('zip64', 'its end record refers to one of zip64, and there is none');
  return assertPlaced(facts, endAt);
}

function readEnd64(tail: Buffer, locatorAt: number, sizeBytes: number, short: DirectoryFacts) {
  const at = locatorAt - END64_BYTES;
  const endAt = sizeBytes - (tail.length - at);
  const isWhole =
    at >= 0 && tail.readUInt32LE(at) === END64_SIGNATURE && tail.readBigUInt64LE(at + 4) === BigInt(END64_BYTES - 12);
  if (!isWhole || toNumber(tail.readBigUInt64LE(locatorAt + 8)) !== endAt)
    throw badArchive('zip64', 'the zip64 end record is not directly before its locator');
  const end = tail.subarray(at, locatorAt);
  const [members, membersHere] = [toNumber(end.readBigUInt64LE(32)), toNumber(end.readBigUInt64LE(24))];
  const disks = [end.readUInt32LE(16), end.readUInt32LE(20), tail.readUInt32LE(locatorAt + 4)];
  if (disks.some((disk) => disk !== 0) || tail.readUInt32LE(locatorAt + 16) > 1 || members !== membersHere)
    throw badArchive('multi_disk', 'it is a volume of several; packages are split in plain parts');
  const facts = { members, sizeBytes: toNumber(end.readBigUInt64LE(40)), offset: toNumber(end.readBigUInt64LE(48)) };
  const agree =
    isShort(short.members, facts.members, MAX_16) &&
    isShort(short.offset, facts.offset, MAX_32) &&
    isShort(short.sizeBytes, facts.sizeBytes, MAX_32);
  if (!agree) throw badArchive('zip64', 'its two end records differ');
  return { facts, endAt };
}

function isShort(short: number, long: number, max: number): boolean {
  return short === max || short === long;
}

function assertPlaced(facts: DirectoryFacts, endAt: number): DirectoryFacts {
  const { members, offset, sizeBytes } = facts;
  if (members > ATMO_LIMITS.members)
    throw new AtmoError('too_large', `Reading the archive: ${members} members, at most ${ATMO_LIMITS.members}`);
  if (sizeBytes > ATMO_LIMITS.directoryBytes)
    throw new AtmoError(
      'too_large',
      `Reading the archive: its directory has ${sizeBytes} bytes, at most ${ATMO_LIMITS.directoryBytes}`,
    );
  if (offset + sizeBytes > endAt)
    throw new AtmoError('truncated', 'Reading the archive: bytes are missing before its end; copy it again');
  if (offset + sizeBytes < endAt)
    throw badArchive('leading_bytes', `${endAt - offset - sizeBytes} bytes more than it tells of, before it or in it`);
  return facts;
}

function noEnd(tail: Buffer): AtmoError {
  const signature = Buffer.alloc(4);
  signature.writeUInt32LE(END_SIGNATURE);
  const at = tail.lastIndexOf(signature);
  if (at === -1 || at + END_BYTES > tail.length)
    return new AtmoError(
      'truncated',
      'Reading the archive: it has no end; it was not copied whole, or is a part of a split package',
    );
  const after = tail.length - at - END_BYTES;
  const fault = tail.readUInt16LE(at + 20) === after ? 'comment' : 'trailing_bytes';
  return badArchive(fault, `${after} bytes follow its end`);
}
