import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable, messageOf, systemCodeOf } from '../core/index.ts';

export const ATMO_ERRORS = {
  not_a_package: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means:
      'What was given is no package; the message says what it is. Wanted: an .atmo file, its folder, a part of it, or the index of its parts.',
  },
  not_stored: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'A member of the archive is compressed or encrypted; packages store. Unpack it and pack it again with `zip -0 -X -r`.',
  },
  bad_archive: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means:
      'The archive breaks a rule of docs/spec/21-packages.md §2; `data.fault` names it. It was altered, or its maker lies. Nothing of it is used.',
  },
  truncated: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means: 'The archive, or a file of the package, ends before its bytes do. Copy it again.',
  },
  unsafe_member: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'A member’s path leaves its folder, is not safe everywhere, collides with another, or it is a link or another thing that is no file. Nothing of the package is used.',
  },
  too_large: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means: 'A package, its directory, a member or an index is larger than its limit (docs/limits.md).',
  },
  member_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'The package has no file of this path.',
  },
  unreadable: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means:
      'The medium did not give the bytes; `data.system` has its reason. Plug it in again, or copy the package to a disk.',
  },
  unwritable: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means: 'The package could not be written; `data.system` has the reason. Nothing was left.',
  },
  disk_full: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means: 'The medium has no room for the rest. Free space, or split for a larger one.',
  },
  changed: {
    kind: 'integrity',
    fault: 'disk',
    retry: true,
    means: 'A file changed while it was read. Wait until whoever writes it has ended, then try again.',
  },
  digest_mismatch: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means: 'Bytes do not have the SHA-256 or the size that they should have: `data.expected`, `data.actual`.',
  },
  already_there: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'A file of this name is where the package was to be written. Remove it, or write elsewhere.',
  },
  parts_missing: {
    kind: 'not_found',
    fault: 'user',
    retry: true,
    means:
      'Parts of the package are missing or have the wrong size: `data.parts` names each. Bring them, then try again.',
  },
  part_altered: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means: 'A part is not the one that the index names. Copy it again from where the package was made.',
  },
  bad_index: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'The index of parts is not one of docs/spec/21-packages.md §3.',
  },
  bad_part_size: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'A size of parts is not one like 4GiB, 700MB or dvd, or would make too many parts.',
  },
  manifest_bad: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means:
      'A package’s manifest.yaml is not as docs/spec/21-packages.md §4 wants it, or its sizes are not those of its files. `data.problems` has every mistake and its line.',
  },
  delta_bad: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means:
      'The delta.yaml of a difference package is not as docs/spec/21-packages.md §11 wants it, or is not of this package.',
  },
  package_unsigned: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means: 'Nobody signed the package. Have it made, or exported again, on a node of your mesh.',
  },
  mesh_unknown: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'A mesh signed the package whose packages are not trusted here. If you know its id from its owner: `atmosphere package trust add MESH`.',
  },
  certificate_of_other_mesh: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means: 'Whoever signed the package is certified by another mesh than the one that it is said to be of.',
  },
  certificate_wrong: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'The certificate of whoever signed the package is missing, of another node, or not by its mesh’s authority; `data.reason` tells.',
  },
  package_signature_wrong: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means:
      'The manifest is not as its signer signed it, or the signature is of another package. Get the package again from whoever made it.',
  },
  signer_not_yet_valid: {
    kind: 'refused',
    fault: 'peer',
    retry: true,
    means: 'The certificate of the package’s signer begins in the future. Look at this machine’s clock.',
  },
  signer_expired: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'The certificate of the package’s signer has expired. Look at this machine’s clock, or have the package signed anew by the mesh’s authority.',
  },
  signer_revoked: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means: 'The package’s signer was put out of the mesh: nothing that it signed counts. Have another member sign it.',
  },
  role_may_not_sign: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'The role of the package’s signer may not write models (`atmosphere access show`). Have another member sign it.',
  },
  founder_missing: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means: 'A founder’s signature was asked for (`--founder-key`), and none is on the package.',
  },
  founder_wrong: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'The founder’s signature on the package does not hold, or is of a founder whose key was not given.',
  },
  member_strange: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means:
      'A file is in the package that neither its manifest nor its delta.yaml names. Nothing of the package is used.',
  },
  member_missing: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means: 'A file that the package says it has is not in it. Copy the package again.',
  },
  size_wrong: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means: 'A file of the package has another size than the manifest or delta.yaml says. Copy the package again.',
  },
  checksums_wrong: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means:
      'checksums.sha256 does not list exactly the files of the package with the digests that the manifest has. Copy the package again.',
  },
  tier_incomplete: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means:
      'The package does not have all files of any tier, or has some of a tier that lacks others; `data.missing` names them. Copy it again.',
  },
  tier_missing: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'The package has nothing for a device of this tier or a lower one. Get one that has.',
  },
  custody_broken: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means:
      'The package’s custody.jsonl is not a whole chain of signed lines of this package; `data.line` and `data.reason` tell where and why.',
  },
  cancelled: {
    kind: 'cancelled',
    fault: 'user',
    retry: true,
    means: 'Somebody stopped it.',
  },
} as const satisfies ErrorTable;

export type AtmoErrorCode = keyof typeof ATMO_ERRORS;

export class AtmoError extends AtmosphereError<AtmoErrorCode> {
  constructor(code: AtmoErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(ATMO_ERRORS, code, message, options);
  }
}

/** A system error of reading, or an error of ours as it is. */
export function toReadError(thrown: unknown, doing: string): AtmoError {
  if (thrown instanceof AtmoError) return thrown;
  return new AtmoError('unreadable', `${doing}: ${messageOf(thrown)}`, {
    cause: thrown,
    data: { system: systemCodeOf(thrown) },
  });
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** A system error of writing, or an error of ours as it is. */
export function toWriteError(thrown: unknown, doing: string): AtmoError {
  if (thrown instanceof AtmoError) return thrown;
  const system = systemCodeOf(thrown);
  const hint = system === 'EFBIG' ? ' (the file system takes no file of this size: --split 4GiB)' : '';
  const code = FULL.has(system ?? '') ? 'disk_full' : 'unwritable';
  return new AtmoError(code, `${doing}: ${messageOf(thrown)}${hint}`, { cause: thrown, data: { system } });
}

export function assertGoesOn(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted === true) throw new AtmoError('cancelled', `${doing}: it was stopped`, { cause: signal.reason });
}
