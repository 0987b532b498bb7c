import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const REGISTRY_ERRORS = {
  database_too_new: {
    kind: 'storage',
    fault: 'user',
    retry: false,
    means: 'The database was written by a newer program. Nothing was changed; run that program, or use another home.',
  },
  database_corrupt: {
    kind: 'storage',
    fault: 'disk',
    retry: false,
    means:
      'The database file is damaged or is no database. It was left as it is; move it away to begin with an empty one.',
  },
  database_full: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means: 'The disk has no room for what the database was told. Nothing in it was changed; free space and go on.',
  },
  database_failed: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means: 'The database refused an operation: no permission, or locked by another program. The cause says which.',
  },
  home_in_use: {
    kind: 'refused',
    fault: 'user',
    retry: true,
    means: 'Another process uses this home directory. Stop it, or choose another home.',
  },
} as const satisfies ErrorTable;

export type RegistryErrorCode = keyof typeof REGISTRY_ERRORS;

export class RegistryError extends AtmosphereError<RegistryErrorCode> {
  constructor(code: RegistryErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(REGISTRY_ERRORS, code, message, options);
  }
}
