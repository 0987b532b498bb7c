/** How an error travels over HTTP, and which status and exit code its kind means. Spec: docs/spec/05-http.md §7. */
import { z } from 'zod';
import { AtmosphereError, type ErrorKind, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const API_ERRORS = {
  daemon_unreachable: {
    kind: 'unreachable',
    fault: 'user',
    retry: true,
    means: 'No daemon answers for this home. Start one with `atmosphere up`.',
  },
  bad_answer: {
    kind: 'internal',
    fault: 'us',
    retry: false,
    means: 'The daemon answered what this program does not understand; the two may be of different versions.',
  },
  bad_daemon_file: {
    kind: 'internal',
    fault: 'disk',
    retry: false,
    means: 'The file by which a daemon is found cannot be read. Stop the daemon and start it again.',
  },
  remote: {
    kind: 'internal',
    fault: 'us',
    retry: false,
    means: 'The daemon reported an error; its own code, kind and data are in the fields.',
  },
} as const satisfies ErrorTable;

export class ApiError extends AtmosphereError<keyof typeof API_ERRORS> {
  constructor(code: keyof typeof API_ERRORS, message: string, options?: ErrorOptionsWithData) {
    super(API_ERRORS, code, message, options);
  }
}

export const ERROR_KINDS = [
  'usage',
  'not_found',
  'integrity',
  'unreachable',
  'refused',
  'storage',
  'cancelled',
  'internal',
] as const satisfies readonly ErrorKind[];

/** The body of every answer that is not 2xx. `error` is for people; programs read `code` and `kind`. */
export const errorBodySchema = z.object({
  error: z.string(),
  code: z.string(),
  kind: z.enum(ERROR_KINDS),
  retry: z.boolean(),
  data: z.record(z.string(), z.unknown()).default({}),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

/** An error that another process reported: same message, kind and data, its own code as `remoteCode`. */
export class RemoteError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly retry: boolean;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(body: ErrorBody) {
    super(body.error);
    this.name = 'RemoteError';
    ({ code: this.code, kind: this.kind, retry: this.retry, data: this.data } = body);
  }
}

export function toErrorBody(thrown: unknown): ErrorBody {
  if (thrown instanceof AtmosphereError || thrown instanceof RemoteError) {
    const { message, code, kind, retry, data } = thrown;
    return { error: message, code, kind, retry, data: { ...data } };
  }
  // What nobody foresaw may name paths or secrets: it goes to the log, not over the wire.
  return {
    error: 'Something went wrong inside the daemon; its log says what',
    code: 'internal',
    kind: 'internal',
    retry: false,
    data: {},
  };
}

export const HTTP_STATUS: Readonly<Record<ErrorKind, number>> = {
  usage: 400,
  not_found: 404,
  integrity: 422,
  unreachable: 504,
  refused: 403,
  storage: 507,
  cancelled: 409,
  internal: 500,
};

/** The CLI's exit codes. Spec: docs/spec/11-cli.md §2. */
export const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  internal: 1,
  usage: 2,
  not_found: 3,
  integrity: 4,
  unreachable: 5,
  refused: 6,
  storage: 7,
  cancelled: 130,
};
