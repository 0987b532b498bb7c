/** The next command to try, by error code, else by kind. Pure. */
import type { ErrorKind } from '../core/index.ts';

const BY_CODE: Readonly<Record<string, string>> = {
  daemon_unreachable: 'atmosphere up --detach',
  daemon_not_started: 'atmosphere doctor',
  daemon_not_stopped: 'atmosphere down',
  bad_daemon_file: 'atmosphere up --detach',
  bad_answer: 'atmosphere down && atmosphere up --detach',
  unsafe_name: 'atmosphere model list --mesh',
  invalid_range: 'atmosphere model info NAME --versions',
  timed_out: 'atmosphere status',
  home_unusable: 'atmosphere doctor',
};

const BY_KIND: Readonly<Partial<Record<ErrorKind, string>>> = {
  not_found: 'atmosphere model list --mesh',
  unreachable: 'atmosphere mesh nodes',
  refused: 'atmosphere mesh nodes',
  integrity: 'atmosphere model list',
  storage: 'atmosphere doctor',
  internal: 'atmosphere doctor',
};

export interface AdviceQuestion {
  readonly code: string;
  readonly kind: ErrorKind;
  /** What the command itself would say, more exact than the table. */
  readonly own?: string | undefined;
  /** `--home` as it was given, to be repeated. */
  readonly homeFlag?: string | undefined;
}

export function adviceFor({ code, kind, own, homeFlag }: AdviceQuestion): string | undefined {
  const advice = own ?? BY_CODE[code] ?? BY_KIND[kind];
  if (advice === undefined || homeFlag === undefined) return advice;
  return advice.replaceAll(/\batmosphere (?!--)/g, `atmosphere --home ${quoted(homeFlag)} `);
}

function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
