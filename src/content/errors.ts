import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const CONTENT_ERRORS = {
  bad_piece_list: {
    kind: 'integrity',
    fault: 'peer',
    retry: true,
    means: 'A peer sent a piece list that does not have the root of the signed entry. Another peer is asked.',
  },
} as const satisfies ErrorTable;

export class ContentError extends AtmosphereError<keyof typeof CONTENT_ERRORS> {
  constructor(code: keyof typeof CONTENT_ERRORS, message: string, options?: ErrorOptionsWithData) {
    super(CONTENT_ERRORS, code, message, options);
  }
}
