/** What this node tells of its deployments, page by page. Pure. Spec: docs/spec/17-deployment.md §6. */
import type { Because, Deployed } from '../../deploy/index.ts';
import {
  type ModelManifest,
  type ModelStatusEntry,
  type ModelStatusPage,
  PROTOCOL_LIMITS,
} from '../../protocol/index.ts';

/** One word of why, for programs. */
export function toWhy({ kind, id }: Because): string {
  return (id === '' ? kind : `${kind}:${id}`).slice(0, PROTOCOL_LIMITS.labelChars);
}

/** One entry; two where another content than the wished one is in force. */
export function toStatusEntries(row: Deployed): ModelStatusEntry[] {
  const { previous, inForce } = row;
  const entry = toOwnEntry(row);
  return inForce === 'previous' && previous !== undefined ? [entry, toPreviousEntry(row, previous)] : [entry];
}

function toOwnEntry(row: Deployed): ModelStatusEntry {
  const { modelId, version, sha256, status, downloadProgress, error, previous, transferMs } = row;
  return {
    ...{ model_id: modelId, version, sha256, status },
    download_progress: status === 'Loaded' || status === 'Ready' ? 1 : round(downloadProgress),
    ...(row.verifiedAtMs === undefined ? {} : { verified_at: toIso(row.verifiedAtMs) }),
    ...(row.loadedAtMs === undefined ? {} : { loaded_at: toIso(row.loadedAtMs) }),
    ...(error === undefined ? {} : { error: clip(error.message), error_code: error.code.slice(0, 100) }),
    because: toWhy(row.because),
    ...(previous === undefined ? {} : { previous_version: previous.version }),
    ...(transferMs === undefined ? {} : { transfer_ms: transferMs }),
    updated_at: toIso(row.updatedAtMs),
  };
}

/** It is in force because the other is not. */
function toPreviousEntry(row: Deployed, { version, sha256 }: ModelManifest): ModelStatusEntry {
  const status = row.previousStatus ?? 'Ready';
  const failed = status === 'Failed' && row.error !== undefined;
  return {
    ...{ model_id: row.modelId, version, sha256, status, download_progress: 1 },
    ...(failed ? { error: clip(row.error.message), error_code: row.error.code } : {}),
    because: toWhy(row.because),
    updated_at: toIso(row.updatedAtMs),
  };
}

/** All pages, one at least; by model id. */
export function toStatusPages(rows: readonly Deployed[]): ModelStatusPage[] {
  const entries = rows.toSorted((a, b) => (a.modelId < b.modelId ? -1 : 1)).flatMap(toStatusEntries);
  const { statusesPerPage, statusPages } = PROTOCOL_LIMITS;
  const count = Math.min(statusPages, Math.ceil(entries.length / statusesPerPage));
  return Array.from({ length: Math.max(1, count) }, (_, page) => ({
    ...({ type: 'model_status', page, pages: count } as const),
    models: entries.slice(page * statusesPerPage, (page + 1) * statusesPerPage),
  }));
}

function clip(text: string): string {
  return text.length <= PROTOCOL_LIMITS.pathChars ? text : `${text.slice(0, PROTOCOL_LIMITS.pathChars - 1)}…`;
}

function round(share: number): number {
  return Math.round(share * 100) / 100;
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}
