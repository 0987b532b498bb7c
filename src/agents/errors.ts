import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const AGENTS_ERRORS = {
  bad_runner: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means:
      'The command that starts agents is not one that can be run. The message says which word, and what was wanted.',
  },
} as const satisfies ErrorTable;

export class AgentsError extends AtmosphereError<keyof typeof AGENTS_ERRORS> {
  constructor(code: keyof typeof AGENTS_ERRORS, message: string, options?: ErrorOptionsWithData) {
    super(AGENTS_ERRORS, code, message, options);
  }
}
