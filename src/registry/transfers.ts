/** Downloads as their users see them, so that interrupted ones go on after a restart. */
import type { ModelId, RequestId, Sha256 } from '../core/index.ts';
import type { Database, Row } from './database.ts';
import { REGISTRY_LIMITS } from './limits.ts';

export type TransferState = 'Pending' | 'Downloading' | 'Verifying' | 'Paused' | 'Completed' | 'Failed' | 'Cancelled';

export interface StoredTransfer {
  readonly requestId: RequestId;
  readonly modelId: ModelId;
  readonly version: string;
  readonly sha256: Sha256;
  readonly state: TransferState;
  readonly receivedBytes: number;
  readonly totalBytes: number;
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
  readonly endedAtMs?: number | undefined;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  readonly fromNodes: readonly string[];
  /** What is needed to go on with it: whoever writes it reads it. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface TransferRepository {
  put(transfer: StoredTransfer): void;
  /** Latest first. */
  list(limit?: number): StoredTransfer[];
  /** Those that have not ended, oldest first. */
  active(): StoredTransfer[];
}

const ACTIVE = "state IN ('Pending', 'Downloading', 'Verifying', 'Paused')";

export function createTransfers(db: Database): TransferRepository {
  function put(transfer: StoredTransfer): void {
    const { requestId, modelId, version, sha256, state, receivedBytes, totalBytes, error } = transfer;
    const times = [transfer.startedAtMs, transfer.updatedAtMs].map(Math.trunc);
    const endedAt = transfer.endedAtMs === undefined ? null : Math.trunc(transfer.endedAtMs);
    const head = [requestId, modelId, version, sha256, state, receivedBytes, totalBytes];
    const tail = [endedAt, error?.code ?? null, error?.message ?? null, JSON.stringify(transfer.fromNodes)];
    const detail = JSON.stringify(transfer.detail);
    db.run(
      'INSERT OR REPLACE INTO transfers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...head,
      ...times,
      ...tail,
      detail,
    );
    if (isEnded(state)) trimHistory();
  }
  function trimHistory(): void {
    db.run(
      `DELETE FROM transfers WHERE request_id IN (SELECT request_id FROM transfers WHERE NOT ${ACTIVE}
         ORDER BY ended_at DESC, rowid DESC LIMIT -1 OFFSET ?)`,
      REGISTRY_LIMITS.endedTransfers,
    );
  }
  return {
    put: (transfer) => db.transaction(() => put(transfer)),
    list: (limit = REGISTRY_LIMITS.endedTransfers) =>
      db.all('SELECT * FROM transfers ORDER BY started_at DESC, rowid DESC LIMIT ?', limit).map(toTransfer),
    active: () => db.all(`SELECT * FROM transfers WHERE ${ACTIVE} ORDER BY started_at, rowid`).map(toTransfer),
  };
}

function isEnded(state: TransferState): boolean {
  return state === 'Completed' || state === 'Failed' || state === 'Cancelled';
}

function toTransfer(row: Row): StoredTransfer {
  const code = row.error_code;
  return {
    requestId: row.request_id as RequestId,
    modelId: row.model_id as ModelId,
    version: row.version as string,
    sha256: row.sha256 as Sha256,
    state: row.state as TransferState,
    receivedBytes: row.received_bytes as number,
    totalBytes: row.total_bytes as number,
    startedAtMs: row.started_at as number,
    updatedAtMs: row.updated_at as number,
    endedAtMs: (row.ended_at ?? undefined) as number | undefined,
    error: typeof code === 'string' ? { code, message: String(row.error_message ?? '') } : undefined,
    fromNodes: JSON.parse(row.from_nodes as string) as string[],
    detail: JSON.parse(row.detail as string) as Record<string, unknown>,
  };
}
