/**
 * What happened on this node and who made it happen, entry by entry, each with the digest of the one before: nothing in it can be
 * changed, left out or put in without every later digest being wrong. Rows are never changed or deleted; the database itself
 * refuses it. What a chain cannot show, that its end is missing, the head shows (checked by `verify`). Spec: docs/spec/20-access.md §6.
 */
import { createHash } from 'node:crypto';
import { canonicalBytes } from '../protocol/index.ts';
import type { Database, Row } from './database.ts';
import { REGISTRY_LIMITS } from './limits.ts';

export const AUDIT_EVENTS = [
  'transfer',
  'install',
  'load',
  'activate',
  'rollback',
  'remove',
  'refusal',
  'consent',
  'order',
  'policy',
  'membership',
  'gap',
] as const;
export type AuditEventName = (typeof AUDIT_EVENTS)[number];

export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

export interface AuditEntry extends AuditHead {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly event: AuditEventName;
  /** Source, digest, who: what belongs to the event. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly previous: string;
}

export interface AuditQuery {
  /** From the entry behind this one; without it, the last ones. */
  readonly after?: number | undefined;
  readonly sinceMs?: number | undefined;
  readonly event?: AuditEventName | undefined;
  /** At most `auditPage`. */
  readonly limit?: number | undefined;
}

export type AuditFlaw = 'changed' | 'missing' | 'truncated' | 'other_log';

export interface AuditVerdict {
  readonly entries: number;
  readonly head: AuditHead | undefined;
  /** Where the chain is broken first. */
  readonly flaw: { readonly seq: number; readonly reason: AuditFlaw } | undefined;
}

export interface AuditLogRepository {
  /** In one transaction. Throws RegistryError `database_full`, `database_failed`; then nothing is in it. */
  append(event: AuditEventName, facts: Readonly<Record<string, unknown>>, atMs: number): AuditEntry;
  head(): AuditHead | undefined;
  /** In order, at most one page. */
  read(query: AuditQuery): AuditEntry[];
  /** Reads all of it, page by page. `known` is a head that was seen before: it must be in the chain. */
  verify(known?: AuditHead): AuditVerdict;
  /** Does the log hold this head? */
  holds(known: AuditHead): boolean;
  /** Brings what was appended to the disk, whatever becomes of the power. */
  flush(): void;
}

/** What the first entry names as the one before it. */
const NOTHING = '0'.repeat(64);

export function createAuditLog(db: Database): AuditLogRepository {
  const head = (): AuditHead | undefined => {
    const row = db.get('SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1');
    return row === undefined ? undefined : { seq: Number(row.seq), hash: String(row.hash) };
  };
  return {
    head,
    append: (event, facts, atMs) =>
      db.transaction(() => {
        const last = head() ?? { seq: 0, hash: NOTHING };
        const entry = sealed({
          seq: last.seq + 1,
          at: Math.floor(atMs),
          event,
          facts: bounded(facts),
          previous: last.hash,
        });
        const { seq, at, previous, hash } = entry;
        db.run(
          'INSERT INTO audit_log VALUES (?, ?, ?, ?, ?, ?)',
          seq,
          at,
          event,
          JSON.stringify(entry.facts),
          previous,
          hash,
        );
        return entry;
      }),
    read: (query) => readPage(db, query),
    verify: (known) => verifyChain(db, known),
    holds: ({ seq, hash }) => db.get('SELECT 1 FROM audit_log WHERE seq = ? AND hash = ?', seq, hash) !== undefined,
    flush: () => db.exec('PRAGMA wal_checkpoint(PASSIVE)'),
  };
}

function readPage(
  db: Database,
  { after, sinceMs, event, limit = REGISTRY_LIMITS.auditPage }: AuditQuery,
): AuditEntry[] {
  const most = Math.min(limit, REGISTRY_LIMITS.auditPage);
  const where = '(?1 IS NULL OR seq > ?1) AND (?2 IS NULL OR at >= ?2) AND (?3 IS NULL OR event = ?3)';
  const order = after === undefined ? 'DESC' : 'ASC';
  const values = [after ?? null, sinceMs ?? null, event ?? null, most];
  const rows = db.all(`SELECT * FROM audit_log WHERE ${where} ORDER BY seq ${order} LIMIT ?4`, ...values).map(toEntry);
  return after === undefined ? rows.reverse() : rows;
}

function verifyChain(db: Database, known: AuditHead | undefined): AuditVerdict {
  let last: AuditHead = { seq: 0, hash: NOTHING };
  let isKnownSeen = known === undefined;
  const broken = (seq: number, reason: AuditFlaw): AuditVerdict => ({
    entries: last.seq,
    head: last,
    flaw: { seq, reason },
  });
  for (let page = readPage(db, { after: 0 }); page.length > 0; page = readPage(db, { after: last.seq })) {
    for (const entry of page) {
      if (entry.seq !== last.seq + 1) return broken(last.seq + 1, 'missing');
      if (entry.previous !== last.hash || sealed(entry).hash !== entry.hash) return broken(entry.seq, 'changed');
      if (entry.seq === known?.seq && entry.hash !== known.hash) return broken(entry.seq, 'other_log');
      isKnownSeen ||= entry.seq === known?.seq;
      last = { seq: entry.seq, hash: entry.hash };
    }
  }
  if (!isKnownSeen) return broken(last.seq + 1, 'truncated');
  return { entries: last.seq, head: last.seq === 0 ? undefined : last, flaw: undefined };
}

/** With the digest of all that it says, of its number and of the entry before it. */
function sealed({ seq, at, event, facts, previous }: Omit<AuditEntry, 'hash'>): AuditEntry {
  const body = { seq, at, event, facts, previous };
  return { ...body, hash: createHash('sha256').update(canonicalBytes(body)).digest('hex') };
}

/** As it will be read: what JSON does not carry is gone before it is sealed. What is too long says so instead. */
function bounded(facts: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const json = JSON.stringify(facts);
  const bytes = Buffer.byteLength(json);
  if (bytes <= REGISTRY_LIMITS.auditFactsBytes) return JSON.parse(json) as Record<string, unknown>;
  return {
    cut: json.slice(0, REGISTRY_LIMITS.auditFactsBytes / 4),
    bytes,
    sha256: createHash('sha256').update(json).digest('hex'),
  };
}

function toEntry(row: Row): AuditEntry {
  return {
    seq: Number(row.seq),
    at: Number(row.at),
    event: row.event as AuditEventName,
    facts: readFacts(String(row.json)),
    previous: String(row.previous),
    hash: String(row.hash),
  };
}

/** Whoever changed a row may have left what is no JSON: its digest is then wrong, which is how it shows. */
function readFacts(json: string): Record<string, unknown> {
  try {
    return JSON.parse(json) as Record<string, unknown>;
  } catch {
    return { unreadable: true };
  }
}
