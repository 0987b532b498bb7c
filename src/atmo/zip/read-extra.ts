/** The extra fields of a header: well formed, of kinds that say nothing which is believed, and the numbers of zip64. Pure. Spec: docs/spec/21-packages.md §2. */
import { ATMO_LIMITS } from '../limits.ts';
import { badArchive } from './bad-archive.ts';
import { MAX_32, ZIP64_EXTRA } from './records.ts';

/** Sizes; time stamps of Info-ZIP (UT) and of NTFS; owners (ux, and the older UX). A second name (up) is none of them. */
const KNOWN = new Set([ZIP64_EXTRA, 0x5455, 0x000a, 0x7875, 0x5855]);

/** The body of the zip64 field, or undefined. Throws AtmoError `bad_archive`. */
export function readExtra(extra: Buffer, member: string): Buffer | undefined {
  if (extra.length > ATMO_LIMITS.extraFieldBytes)
    throw badArchive(
      'extra_field',
      `${extra.length} bytes of extra fields, at most ${ATMO_LIMITS.extraFieldBytes}`,
      member,
    );
  const seen = new Set<number>();
  let zip64: Buffer | undefined;
  for (let at = 0; at < extra.length; ) {
    if (at + 4 > extra.length) throw badArchive('extra_field', 'its extra fields are cut off', member);
    const kind = extra.readUInt16LE(at);
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (end > extra.length) throw badArchive('extra_field', 'its extra fields are cut off', member);
    if (!KNOWN.has(kind) || seen.has(kind))
      throw badArchive(
        'extra_field',
        `extra field 0x${kind.toString(16).padStart(4, '0')} twice or unknown; pack with zip -X`,
        member,
      );
    if (kind === ZIP64_EXTRA) zip64 = extra.subarray(at + 4, end);
    seen.add(kind);
    at = end;
  }
  return zip64;
}

/** Puts the 64-bit numbers where the header has none of its own: exactly as many as are missing. */
export function widen(values: readonly number[], zip64: Buffer | undefined, member: string): number[] {
  let at = 0;
  const wide = values.map((value) => {
    if (value !== MAX_32) return value;
    if (zip64 === undefined || at + 8 > zip64.length) throw badArchive('zip64', 'a 64-bit number is missing', member);
    at += 8;
    return toNumber(zip64.readBigUInt64LE(at - 8), member);
  });
  if (zip64 !== undefined && zip64.length !== at)
    throw badArchive('zip64', 'its zip64 field holds numbers that no field asks for', member);
  return wide;
}

export function toNumber(value: bigint, member?: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw badArchive('zip64', `a number is ${value}, more than any archive has`, member);
  return Number(value);
}
