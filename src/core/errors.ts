/**
 * One shape for every error: an area's class, a code from the area's closed table, data as fields, the cause kept.
 * The table says whose fault it is and whether a retry can help, so that no caller ever reads message text.
 * docs/errors.md is made from these tables.
 */

/** What sort of failure; the CLI's exit code and the HTTP status follow from it alone. */
export type ErrorKind =
  | 'usage'
  | 'not_found'
  | 'integrity'
  | 'unreachable'
  | 'refused'
  | 'storage'
  | 'cancelled'
  | 'internal';

export type Fault = 'user' | 'peer' | 'disk' | 'network' | 'us';

export interface ErrorTraits {
  readonly kind: ErrorKind;
  readonly fault: Fault;
  /** Would the same call later, unchanged, have a chance? */
  readonly retry: boolean;
  /** One sentence for docs/errors.md: what it means and what to do. */
  readonly means: string;
}

export type ErrorTable<Code extends string = string> = Readonly<Record<Code, ErrorTraits>>;

export interface ErrorOptionsWithData {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export abstract class AtmosphereError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly kind: ErrorKind;
  readonly fault: Fault;
  readonly retry: boolean;
  readonly data: Readonly<Record<string, unknown>>;

  protected constructor(table: ErrorTable<Code>, code: Code, message: string, options: ErrorOptionsWithData = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    ({ kind: this.kind, fault: this.fault, retry: this.retry } = table[code]);
    this.data = options.data ?? {};
  }
}

export const CORE_ERRORS = {
  invalid_id: { kind: 'usage', fault: 'user', retry: false, means: 'An identifier does not have its form.' },
  cancelled: { kind: 'cancelled', fault: 'user', retry: true, means: 'Somebody stopped the operation.' },
  timed_out: { kind: 'unreachable', fault: 'network', retry: true, means: 'The other side did not answer in time.' },
} as const satisfies ErrorTable;

export class CoreError extends AtmosphereError<keyof typeof CORE_ERRORS> {
  constructor(code: keyof typeof CORE_ERRORS, message: string, options?: ErrorOptionsWithData) {
    super(CORE_ERRORS, code, message, options);
  }
}

/** The error's text for people, whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Node's `code` of a system error (`ENOSPC`, …), if it is one. */
export function systemCodeOf(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
