import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const DELTA_ERRORS = {
  not_a_difference: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'What should be a difference is something else. The whole file is fetched instead.',
  },
  unsupported_difference: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means: 'A difference of a version that this program does not read. A newer program does; the whole file works too.',
  },
  bad_header: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'A difference’s header names sizes or digests that cannot be right, or another target than was asked for.',
  },
  wrong_base: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'The difference was made from another file than the one at hand. Use the version it names as its base.',
  },
  bad_operation: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'A difference breaks its format’s rules. It is damaged or made to do harm; nothing of its result is kept.',
  },
  bad_payload: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'Compressed bytes in a difference do not unpack to what it says. Nothing of its result is kept.',
  },
  truncated_difference: {
    kind: 'integrity',
    fault: 'peer',
    retry: true,
    means: 'A difference ends before its end. It was cut off: get it again.',
  },
  wrong_result: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'What a difference made does not have the digest it promises: it, or its base, is not what it should be.',
  },
  source_changed: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means:
      'A file was not what its digest or size says while a difference was made or applied. It may have been changed.',
  },
} as const satisfies ErrorTable;

export type DeltaErrorCode = keyof typeof DELTA_ERRORS;

export class DeltaError extends AtmosphereError<DeltaErrorCode> {
  constructor(code: DeltaErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(DELTA_ERRORS, code, message, options);
  }
}
