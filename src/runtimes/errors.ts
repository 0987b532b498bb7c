import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const RUNTIMES_ERRORS = {
  probe_failed: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'The runtime refused the model’s file, or the inference. The model is not used; its maker has to mend it.',
  },
  wrong_answer: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'The model answers, but not with finite values of its declared shape, or not with its golden outputs.',
  },
  bad_golden: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'The golden values of the manifest are malformed or do not fit the model’s inputs and outputs.',
  },
  probe_timed_out: {
    kind: 'integrity',
    fault: 'peer',
    retry: true,
    means: 'The model did not answer in the time that a probe has. It may hang, or the machine is very busy.',
  },
  probe_memory: {
    kind: 'refused',
    fault: 'peer',
    retry: true,
    means: 'The model took more memory than a probe may have, and was ended.',
  },
  probe_crashed: {
    kind: 'integrity',
    fault: 'peer',
    retry: true,
    means: 'The process that tried the model died, or ended without an answer. The node itself is not touched by that.',
  },
  probe_not_started: {
    kind: 'internal',
    fault: 'us',
    retry: true,
    means: 'The process that tries a model could not be started, or has no runtime.',
  },
  cancelled: {
    kind: 'cancelled',
    fault: 'user',
    retry: true,
    means: 'The probe was ended before its answer.',
  },
} as const satisfies ErrorTable;

export type RuntimeErrorCode = keyof typeof RUNTIMES_ERRORS;

export class RuntimeError extends AtmosphereError<RuntimeErrorCode> {
  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(RUNTIMES_ERRORS, code, message, options);
  }
}
