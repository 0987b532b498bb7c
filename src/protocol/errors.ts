import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const PROTOCOL_ERRORS = {
  malformed: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'A message or file does not have the shape that its section of docs/spec states.',
  },
  too_large: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'A message or file is larger than its limit (docs/limits.md).',
  },
  unsafe_name: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'A name would leave its folder, or cannot be a file on every system. Choose another name.',
  },
  invalid_range: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'A version range is not in the npm range syntax, such as ">=1.2 <2" or "latest".',
  },
} as const satisfies ErrorTable;

export type ProtocolErrorCode = keyof typeof PROTOCOL_ERRORS;

export class ProtocolError extends AtmosphereError<ProtocolErrorCode> {
  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(PROTOCOL_ERRORS, code, message, options);
  }
}
