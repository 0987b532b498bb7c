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
  bad_document: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means:
      'A manifest or a rules file is not as its section of docs/spec wants it. The message names the line and the field, `data.problems` all of them.',
  },
  bad_lineage: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means:
      'A model would be made from itself, through one model or several, or from too long a chain. Correct `parent_model` (docs/spec/16-manifests.md §9).',
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
