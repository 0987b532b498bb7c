/** Transfers in the registry: enough of each to go on with it after a restart. */
import type { RequestId } from '../core/index.ts';
import { type ModelEntry, modelEntrySchema } from '../protocol/index.ts';
import type { Registry, StoredTransfer } from '../registry/index.ts';
import { formatRate, PRIORITIES, parseRate, type TransferWish } from '../transfer/index.ts';
import type { DifferenceChoice, DifferenceShare, TransferLog, TransferRow } from './pull/ports.ts';
import type { PeerShare } from './pull/pull-progress.ts';
import { isEnded } from './pull/transfer-snapshot.ts';

interface Detail {
  readonly entry: ModelEntry;
  readonly from?: string | undefined;
  readonly path?: string | undefined;
  readonly errorKind?: string | undefined;
  readonly priority?: string | undefined;
  /** Rates as people write them: JSON has no infinity. */
  readonly download?: string | undefined;
  readonly upload?: string | undefined;
  readonly peers?: readonly PeerShare[] | undefined;
  readonly difference?: DifferenceChoice | undefined;
  readonly saved?: DifferenceShare | undefined;
}

export function transferLog(transfers: Registry['transfers']): TransferLog {
  return {
    put: (row) => transfers.put(toStored(row)),
    list: () => transfers.list().flatMap((stored) => toRow(stored) ?? []),
    unfinished: () => transfers.active().flatMap((stored) => toRow(stored) ?? []),
  };
}

function toStored(row: TransferRow): StoredTransfer {
  const { entry, from, path, error, state, wish = {}, peers, difference, saved } = row;
  const [download, upload] = [wish.download, wish.upload].map((rate) =>
    rate === undefined ? undefined : formatRate(rate),
  );
  const detail: Detail = {
    entry,
    from,
    path,
    errorKind: error?.kind,
    priority: wish.priority,
    download,
    upload,
    peers,
    difference,
    saved,
  };
  return {
    requestId: row.requestId as RequestId,
    modelId: entry.model_id,
    version: entry.version,
    sha256: entry.sha256,
    state,
    receivedBytes: row.bytesDownloaded,
    totalBytes: entry.size_bytes,
    startedAtMs: row.startedAtMs,
    updatedAtMs: row.updatedAtMs,
    endedAtMs: isEnded(state) ? row.updatedAtMs : undefined,
    error,
    fromNodes: from === undefined ? [] : [from],
    detail: { ...detail },
  };
}

/** A row whose entry this program does not understand any more is passed over. */
function toRow(stored: StoredTransfer): TransferRow | undefined {
  const detail = stored.detail as unknown as Detail;
  const entry = modelEntrySchema.safeParse(detail.entry);
  if (!entry.success) return undefined;
  const { error } = stored;
  return {
    requestId: stored.requestId,
    entry: entry.data,
    from: detail.from,
    state: stored.state,
    bytesDownloaded: stored.receivedBytes,
    startedAtMs: stored.startedAtMs,
    updatedAtMs: stored.updatedAtMs,
    path: detail.path,
    error: error === undefined ? undefined : { ...error, kind: detail.errorKind ?? 'internal' },
    wish: toWish(detail),
    peers: detail.peers ?? [],
    difference: detail.difference,
    saved: detail.saved,
  };
}

function toWish({ priority, download, upload }: Detail): TransferWish {
  return {
    priority: PRIORITIES.find((known) => known === priority),
    download: download === undefined ? undefined : parseRate(download),
    upload: upload === undefined ? undefined : parseRate(upload),
  };
}
