/** The audit log for people and programs. Spec: docs/spec/20-access.md §6. */
import type { AuditRow } from '../api/index.ts';
import type { Context } from './context.ts';
import { printable } from './display-width.ts';
import { CliError } from './errors.ts';
import { formatCount, formatDigest, formatSecond } from './format.ts';
import { parseDurationSeconds } from './parse-values.ts';

export interface AuditOptions {
  readonly verify?: boolean;
  readonly since?: string;
  readonly event?: string;
  readonly limit?: number;
}

const PAGE = 1000;
const DEFAULT_LIMIT = 100;
const INTEGRITY = 4;
const VERIFY_TIMEOUT_MS = 600_000;

export async function showAudit(context: Context, options: AuditOptions): Promise<number> {
  const { limit = DEFAULT_LIMIT, event } = options;
  const since = options.since === undefined ? undefined : sinceOf(options.since, Date.now());
  const filter = { ...(event === undefined ? {} : { event }), ...(since === undefined ? {} : { since }) };
  const last = await context.call('audit', { query: { ...filter, limit: Math.min(limit, PAGE) } });
  const entries = limit <= PAGE ? last.entries : await readMore(context, filter, limit, last.entries);
  context.out.answer({ entries, head: last.head }, () => entries.map(toLine));
  if (entries.length === 0) context.out.note('nothing of that kind was written yet');
  return 0;
}

/** Pages from the first entry on, of which the last ones are kept. */
async function readMore(
  context: Context,
  filter: { readonly event?: string; readonly since?: string },
  limit: number,
  last: readonly AuditRow[],
): Promise<AuditRow[]> {
  if (last.length < PAGE) return [...last];
  const all: AuditRow[] = [];
  for (let after = 0; ; ) {
    const { entries } = await context.call('audit', { query: { ...filter, after, limit: PAGE } });
    all.push(...entries);
    if (all.length > limit) all.splice(0, all.length - limit);
    const end = entries.at(-1);
    if (end === undefined || entries.length < PAGE) return all;
    after = end.seq;
  }
}

/** Exit code 4 where the log is not what was written. */
export async function verifyAudit(context: Context): Promise<number> {
  const answer = await context.call('auditVerify', {}, VERIFY_TIMEOUT_MS);
  const { ok, entries, head, problem } = answer;
  context.out.answer(answer, () =>
    ok
      ? [
          `the audit log is whole: ${formatCount(entries, 'entry', 'entries')}`,
          ...(head === null ? [] : [`head ${head.seq} ${head.hash}`]),
        ]
      : [],
  );
  if (problem === null) return 0;
  const where = problem.seq === 0 ? '' : `entry ${problem.seq}: `;
  context.out.error(`the audit log is not whole: ${where}${problem.message}`, [
    `${formatCount(entries, 'entry', 'entries')} before it are as they were written`,
  ]);
  return INTEGRITY;
}

/** A time, or how long ago. */
function sinceOf(text: string, nowMs: number): string {
  const at = /^\d{4}-/.test(text) ? Date.parse(text) : nowMs - msOf(text.replace(/\s*ago$/, ''));
  if (Number.isFinite(at)) return new Date(at).toISOString();
  throw new CliError('bad_usage', 'Wanted a time like 2027-01-01T00:00:00Z, or how long ago: 15m, 24h, 7d');
}

function msOf(text: string): number {
  return /^\d/.test(text) ? parseDurationSeconds(text) * 1000 : Number.NaN;
}

/** What only programs compare: `--json` has it. */
const FOR_PROGRAMS: ReadonlySet<string> = new Set(['key', 'seq', 'issued_at', 'payload_sha256']);

function toLine({ seq, at, event, facts }: AuditRow): string {
  const words = Object.entries(facts)
    .filter(([key]) => !FOR_PROGRAMS.has(key))
    .map(([key, value]) => `${key}=${wordOf(key, value)}`);
  return printable(`${String(seq).padStart(6)}  ${formatSecond(at)}  ${event.padEnd(10)}  ${words.join(' ')}`);
}

function wordOf(key: string, value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return key === 'sha256' ? formatDigest(value) : value;
}
