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
