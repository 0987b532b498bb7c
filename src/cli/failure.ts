/** Anything thrown, as what the user is told and the exit code. Spec: docs/spec/11-cli.md §2, §5. */
import { ERROR_KINDS, EXIT_CODES, RemoteError } from '../api/index.ts';
import { AtmosphereError, type ErrorKind, messageOf, systemCodeOf } from '../core/index.ts';
import { adviceFor } from './advice.ts';
import type { Context } from './context.ts';
import { describeProblems } from './problems.ts';
import { describeVariants } from './variants.ts';

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly kind: ErrorKind;
  readonly try: string | undefined;
  readonly exitCode: number;
  /** The models that fit, when the name fits several. */
  readonly variants: readonly string[];
  /** Every mistake of a file, when it has several. */
  readonly problems: readonly string[];
}

/** `advice` is what the command itself would try next, where it knows better than the table. */
export function describeFailure(thrown: unknown, context: Context, advice?: string): Failure {
  const { code, kind, message, data } = context.signal.aborted ? INTERRUPTED : readThrown(thrown);
  const told = advice ?? (typeof data.try === 'string' ? data.try : undefined);
  const own = told ?? adviceOfHelp(code, context.help);
  return {
    code,
    kind,
    message,
    try: adviceFor({ code, kind, own, homeFlag: context.homeFlag, subject: context.subject, file: context.file, data }),
    exitCode: EXIT_CODES[kind],
    variants: describeVariants(data.variants),
    problems: describeProblems(data.problems),
  };
}

/** What was said to the command is at fault, or the place that it was to write to: its help says what else it takes. */
function adviceOfHelp(code: string, help: string | undefined): string | undefined {
  if (help === undefined || code === 'bad_usage') return help;
  const words = /^atmosphere package (\w+)/.exec(help)?.[1];
  if (words === undefined) return undefined;
  if (['unsafe_name', 'bad_document'].includes(code)) return help;
  const isWriting = ['create', 'export', 'inventory'].includes(words);
  const isOfPlace = ['already_there', 'disk_full', 'unwritable'].includes(code);
  return isWriting && isOfPlace ? `${help}  # --output writes elsewhere` : undefined;
}

/** For people, on stderr, with `--json` too: a log of stderr alone must tell the story. */
export function reportFailure(context: Context, failure: Failure): void {
  if (context.io.stdoutClosed.aborted) return;
  const rest = [...failure.variants, ...failure.problems].map((line) => `  ${line}`);
  if (failure.try !== undefined) rest.push(`try: ${failure.try}`);
  if (failure.code === 'interrupted') for (const line of ['interrupted', ...rest]) context.out.note(line);
  else context.out.error(failure.message, rest);
}

/** The error document of `--json`. */
export function toErrorDocument({ code, message, kind, try: advice, variants, problems }: Failure): object {
  const lists = { ...(variants.length === 0 ? {} : { variants }), ...(problems.length === 0 ? {} : { problems }) };
  return { error: { code, message, kind, try: advice ?? null, ...lists } };
}

/** The last line of a command that prints events. */
export function toFailedEvent({ code, message, kind, try: advice, variants }: Failure): object {
  return {
    event: 'failed',
    error: message,
    code,
    kind,
    try: advice ?? null,
    ...(variants.length === 0 ? {} : { variants }),
  };
}

/** The error that a `failed` event carries. */
export function failureOfEvent(event: {
  error?: string | undefined;
  code?: string | undefined;
  kind?: string | undefined;
  data?: Readonly<Record<string, unknown>> | undefined;
}): RemoteError {
  const kind = ERROR_KINDS.find((known) => known === event.kind) ?? 'internal';
  const message = event.error ?? 'The daemon reported a failure without a reason';
  return new RemoteError({ error: message, code: event.code ?? kind, kind, retry: false, data: event.data ?? {} });
}

interface Read {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const INTERRUPTED: Read = { code: 'interrupted', kind: 'cancelled', message: 'Interrupted', data: {} };

/** What the system says of a disk, where no area has given it a name. */
const STORAGE_CODES: Readonly<Record<string, string>> = {
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  EACCES: 'home_unusable',
  EROFS: 'home_unusable',
};

function readThrown(thrown: unknown): Read {
  if (thrown instanceof AtmosphereError || thrown instanceof RemoteError) return thrown;
  const message = messageOf(thrown);
  if (thrown instanceof Error && thrown.name === 'TimeoutError')
    return { code: 'timed_out', kind: 'unreachable', message: 'Waiting for the daemon: no answer in time', data: {} };
  const storage = STORAGE_CODES[systemCodeOf(thrown) ?? ''];
  if (storage !== undefined) return { code: storage, kind: 'storage', message, data: {} };
  return { code: 'internal', kind: 'internal', message, data: {} };
}
