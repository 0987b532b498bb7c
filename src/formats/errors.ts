import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const FORMATS_ERRORS = {
  truncated: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means: 'A model file ends before what its header announces. The download was cut off: get the file again.',
  },
  bad_header: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means: 'A model file’s header breaks the rules of its format. The file is damaged or is something else.',
  },
  too_large_header: {
    kind: 'refused',
    fault: 'disk',
    retry: false,
    means: 'A model file’s header is larger than what is read of any file (docs/limits.md).',
  },
} as const satisfies ErrorTable;

export type FormatsErrorCode = keyof typeof FORMATS_ERRORS;

export class FormatsError extends AtmosphereError<FormatsErrorCode> {
  constructor(code: FormatsErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(FORMATS_ERRORS, code, message, options);
  }
}
