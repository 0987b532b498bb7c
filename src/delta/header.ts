/** The header of a difference. Spec: docs/spec/22-differences.md §1.1. */
import type { Sha256 } from '../core/index.ts';
import { DeltaError } from './errors.ts';
import { DELTA_LIMITS } from './limits.ts';

export const HEADER_BYTES = 96;
const MAGIC = Buffer.from('atmodiff', 'latin1');
const VERSION = 1;

export interface BlobIdentity {
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

export interface DifferenceHeader {
  readonly base: BlobIdentity;
  readonly target: BlobIdentity;
}

export function encodeHeader({ base, target }: DifferenceHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(VERSION, 8);
  bytes.writeBigUInt64LE(BigInt(base.sizeBytes), 16);
  bytes.writeBigUInt64LE(BigInt(target.sizeBytes), 24);
  bytes.write(base.sha256, 32, 'hex');
  bytes.write(target.sha256, 64, 'hex');
  return bytes;
}

/** Throws `not_a_difference`, `unsupported_difference`, `bad_header`. */
export function parseHeader(bytes: Buffer): DifferenceHeader {
  if (!bytes.subarray(0, 8).equals(MAGIC))
    throw new DeltaError('not_a_difference', `Reading a difference: it begins with ${shown(bytes)}, wanted atmodiff`);
  const version = bytes.readUInt16LE(8);
  if (version !== VERSION || bytes.subarray(10, 16).some((byte) => byte !== 0))
    throw new DeltaError('unsupported_difference', `Reading a difference: version ${version}, this program reads 1`);
  return { base: identityAt(bytes, 16, 32), target: identityAt(bytes, 24, 64) };
}

function identityAt(bytes: Buffer, sizeAt: number, digestAt: number): BlobIdentity {
  const size = bytes.readBigUInt64LE(sizeAt);
  if (size > BigInt(DELTA_LIMITS.targetBytes))
    throw new DeltaError('bad_header', `Reading a difference: ${size} bytes, at most ${DELTA_LIMITS.targetBytes}`);
  return { sizeBytes: Number(size), sha256: bytes.toString('hex', digestAt, digestAt + 32) as Sha256 };
}

function shown(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1', 0, 8));
}
