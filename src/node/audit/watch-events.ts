/** What is written to the audit log without anybody asking: transfers that end, orders, policies and members that change. */
import { createHash } from 'node:crypto';
import type { Mesh, RecordEvent } from '../../mesh/index.ts';
import { canonicalBytes, isPackageEntry, type RecordKind, type SignedRecord } from '../../protocol/index.ts';
import type { AuditEventName } from '../../registry/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { TransferService } from '../pull/transfer-service.ts';
import { isEnded, type TransferSnapshot } from '../pull/transfer-snapshot.ts';
import type { Refusal } from '../served-content.ts';
import type { AuditFacts, AuditTrail } from './audit-trail.ts';

const EVENT_OF_KIND: Partial<Record<RecordKind, AuditEventName>> = {
  deployment: 'order',
  rules: 'order',
  rollout: 'order',
  deprecation: 'order',
  access: 'policy',
  certificate: 'membership',
  revocation: 'membership',
};

/** The mesh's words that change what this node does. Returns what stops it. */
export function auditMesh(trail: AuditTrail, mesh: Mesh): () => void {
  const stopRecords = mesh.recordEvents.on((event) => auditRecord(trail, event));
  const stopMembership = mesh.membershipEvents.on(({ type }) =>
    trail.note('membership', { what: type, mesh_id: mesh.meshId, role: mesh.role, who: mesh.nodeId }),
  );
  return () => {
    stopRecords();
    stopMembership();
  };
}

function auditRecord(trail: AuditTrail, event: RecordEvent): void {
  if (event.type !== 'accepted') return;
  const { record, replaced, via } = event;
  const name = EVENT_OF_KIND[record.kind];
  // How far a rollout is comes with every step of it; that there is one, and who ordered it, is what counts.
  if (name === undefined || (record.kind === 'rollout' && replaced !== undefined)) return;
  trail.noteOfOthers(name, { ...factsOf(record), ...(via === undefined ? {} : { source: via }) });
}

function factsOf(record: SignedRecord): AuditFacts {
  const { kind, author, key, seq, issued_at, payload } = record;
  const sha256 = createHash('sha256').update(canonicalBytes(payload)).digest('hex');
  return { what: kind, who: author, key, seq, issued_at, payload_sha256: sha256 };
}

/** Bytes that came, or did not, and from whom. */
export function auditTransfers(trail: AuditTrail, transfers: Pick<TransferService, 'events'>): () => void {
  return transfers.events.on((snapshot) => {
    if (isEnded(snapshot.state) && !snapshot.alreadyHere) auditTransfer(trail, snapshot);
  });
}

function auditTransfer(
  trail: AuditTrail,
  { entry, state, requestId, peers, mirrors, error, ...rest }: TransferSnapshot,
) {
  const named = isPackageEntry(entry) ? { package: entry.model_id } : { model_id: entry.model_id };
  const about = { ...named, version: entry.version, sha256: entry.sha256 };
  const source = [
    ...peers.filter(({ bytes }) => bytes > 0).map(({ nodeId, bytes }) => ({ node_id: nodeId, bytes })),
    ...mirrors.filter(({ bytes }) => bytes > 0).map(({ name, bytes }) => ({ mirror: name, bytes })),
  ].slice(0, NODE_LIMITS.auditSources);
  const end = { request_id: requestId, state, bytes: rest.bytesDownloaded, took_ms: rest.durationMs };
  trail.note('transfer', { ...about, ...end, source, ...(error === undefined ? {} : { code: error.code }) });
  // What is installed of a package has been written down by the install.
  if (state === 'Completed' && !isPackageEntry(entry))
    trail.note('install', { ...about, how: 'pull', path: rest.path });
}

/** Bytes that somebody wanted and may not have: the same again is written once in a while. */
export function auditRefusals(trail: AuditTrail, nowMs: () => number): (refusal: Refusal) => void {
  const last = new Map<string, number>();
  return ({ sha256, modelIds, asker }) => {
    const name = `${asker.nodeId ?? asker.kind} ${sha256}`;
    const now = nowMs();
    if (now - (last.get(name) ?? Number.NEGATIVE_INFINITY) < NODE_LIMITS.auditRefusalEveryMs) return;
    if (last.size >= NODE_LIMITS.auditRefusalsRemembered) last.clear();
    last.set(name, now);
    const who = asker.nodeId ?? asker.kind;
    const behalf = asker.onBehalfOf === undefined ? {} : { on_behalf_of: asker.onBehalfOf };
    trail.noteOfOthers('refusal', { what: 'read', who, role: asker.role, ...behalf, model_id: modelIds[0], sha256 });
  };
}
