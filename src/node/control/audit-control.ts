/** What was done here, and whether the log of it is whole. Spec: docs/spec/20-access.md §6. */
import type { AuditRow, ControlHandlers } from '../../api/index.ts';
import { AUDIT_EVENTS, type AuditEntry, type AuditVerdict } from '../../registry/index.ts';
import { NodeError } from '../errors.ts';
import type { NodeParts } from './parts.ts';

type AuditControl = Pick<ControlHandlers, 'audit' | 'auditVerify'>;

export function auditControl({ audit }: Pick<NodeParts, 'audit'>): AuditControl {
  return {
    async audit({ query: { after, since, event, limit } }) {
      const sinceMs = since === undefined ? undefined : Date.parse(since);
      const entries = audit.read({ after, sinceMs, limit, event: event === undefined ? undefined : parseEvent(event) });
      return { entries: entries.map(toRow), head: audit.head ?? null };
    },
    async auditVerify() {
      const { entries, head, flaw } = audit.verify();
      const reason = flaw?.reason;
      const problem = flaw === undefined || reason === undefined ? null : { ...flaw, message: WORDS[reason] };
      const unread =
        audit.problem !== undefined && problem === null ? { seq: 0, reason: 'head', message: audit.problem } : null;
      return { ok: problem === null && unread === null, entries, head: head ?? null, problem: problem ?? unread };
    },
  };
}

const WORDS: Readonly<Record<NonNullable<AuditVerdict['flaw']>['reason'], string>> = {
  changed: 'this entry is not as it was written',
  missing: 'this entry is gone',
  truncated: 'the log ended later once: entries from here on are gone',
  other_log: 'the log is another than the one whose end was kept',
};

function parseEvent(text: string) {
  const event = AUDIT_EVENTS.find((known) => known === text);
  if (event !== undefined) return event;
  throw new NodeError('unknown_audit_event', `Reading the audit log: ${text} is none of ${AUDIT_EVENTS.join(', ')}`);
}

function toRow({ at, facts, ...entry }: AuditEntry): AuditRow {
  return { ...entry, at: new Date(at).toISOString(), facts: { ...facts } };
}
