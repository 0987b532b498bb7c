/** What was written, once it is what was wanted. Pure. */
import type { Sha256 } from '../../core/index.ts';
import type { MemberDigests } from '../copy/member-digest.ts';
import { AtmoError } from '../errors.ts';
import type { WrittenMember } from '../ports.ts';

export interface WantedMember {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256?: Sha256;
}

/** Throws AtmoError `digest_mismatch`. */
export function toWrittenMember(wanted: WantedMember, { sha256, pieceRoot }: MemberDigests): WrittenMember {
  const { path, sizeBytes } = wanted;
  if (wanted.sha256 !== undefined && wanted.sha256 !== sha256)
    throw new AtmoError('digest_mismatch', `Packing ${path}: its SHA-256 is ${sha256}, wanted ${wanted.sha256}`, {
      data: { path, expected: wanted.sha256, actual: sha256 },
    });
  return { path, sizeBytes, sha256, ...(pieceRoot === undefined ? {} : { pieceRoot }) };
}
